"""Steps between two flushes, folded into one line."""

from __future__ import annotations


from .values import number

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

steps_max = 50
seconds_max = 2.0


class StepWindow:
    """Steps `first`.. of one flush. Times are monotonic seconds."""

    def __init__(self, first: int, opened: float, new: bool = True) -> None:
        self.first = first
        self.opened = opened
        self.new = new
        self.durations: List[float] = []
        self.samples = 0
        self.tokens = 0
        self.h2d = 0.0
        self.wait: Optional[float] = None
        self.values: Dict[str, Any] = {}

    def due(self, now: float) -> bool:
        return len(self.durations) >= steps_max or now - self.opened >= seconds_max

    def fields(self) -> Dict[str, Any]:
        """Those of an `s` line; only what the job really told."""
        ordered = sorted(self.durations)
        count = len(ordered)
        line: Dict[str, Any] = {
            "s0": self.first,
            "s1": self.first + count - 1,
            "dt": round(sum(ordered), 6),
            "p50": round(ordered[(count - 1) // 2], 6),
            "p90": round(ordered[(count - 1) * 9 // 10], 6),
            "max": round(ordered[-1], 6),
        }
        if self.wait is not None:
            line["wait"] = round(self.wait, 6)
        if self.h2d:
            line["h2d"] = number(self.h2d)
        if self.samples:
            line["n"] = number(self.samples)
        if self.tokens:
            line["tok"] = number(self.tokens)
        line["new"] = self.new
        return line
