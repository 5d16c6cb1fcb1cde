"""Whatever a job hands over, as JSON that any reader accepts. Nothing here raises."""

from __future__ import annotations

import json
import math

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Any

name_chars_max = 128
text_chars_max = 1000
items_max = 256
depth_max = 6


def number(value: Any) -> Any:
    """An int, a finite float or None; calls functions, and unwraps what converts to float."""
    try:
        if callable(value):
            value = value()
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int) and abs(value) < 2**63:
            return int(value)
        value = float(value)
        return value if math.isfinite(value) else None
    except Exception:
        return None


def text(value: Any, chars_max: int = text_chars_max) -> str:
    """A string without lone surrogates, cut at `chars_max`."""
    try:
        return str(value)[:chars_max].encode("utf-8", "replace").decode()
    except Exception:
        return "?"


def plain(value: Any, depth: int = 0) -> Any:
    """`value` in JSON's own types."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (int, float)):
        return number(value)
    try:
        if depth < depth_max and isinstance(value, dict):
            pairs = list(value.items())[:items_max]
            return {text(key, name_chars_max): plain(item, depth + 1) for key, item in pairs}
        if depth < depth_max and isinstance(value, (list, tuple, set, frozenset)):
            return [plain(item, depth + 1) for item in list(value)[:items_max]]
        if hasattr(value, "__float__"):
            return number(value)
    except Exception:
        return None
    return text(value)


def dumps(value: Any) -> str:
    """Compact JSON, for values from here. UTF-8, so a character takes at most six bytes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
