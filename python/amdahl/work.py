"""Proof of equal work: what was processed, in whatever order."""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Union


class WorkDigest:
    """Sum modulo 2^64 of the first 8 bytes of SHA-256 of each sample: order-free, and a sample
    processed twice counts twice. Parts add up, so several reports of one run do too."""

    __slots__ = ("n", "_sum")

    def __init__(self) -> None:
        self.n = 0
        self._sum = 0

    def add(self, sample: Union[bytes, str]) -> None:
        raw = sample.encode("utf-8", "replace") if isinstance(sample, str) else sample
        self._sum += int.from_bytes(hashlib.sha256(raw).digest()[:8], "big")
        self.n += 1

    def hexdigest(self) -> str:
        """Sixteen lower-case hexadecimal digits."""
        return "%016x" % (self._sum & 0xFFFFFFFFFFFFFFFF)
