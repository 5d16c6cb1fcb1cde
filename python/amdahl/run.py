"""What a job may say. This class says nothing: it is the run outside the loop."""

from __future__ import annotations

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, TypeVar, Union

    Batches = TypeVar("Batches", bound=Iterable)


class Span:
    """A phase of the run, for `with`."""

    __slots__ = ()

    def __enter__(self) -> "Span":
        return self

    def __exit__(self, *error: object) -> None:
        return None


_silent_span = Span()


class Run:
    """A run of the job. Usable in `with`, which also reports how it ended."""

    def data(self, loader: Batches) -> Batches:
        """Iterates over `loader`; the time waited for each batch counts as input."""
        return loader

    def step(self, samples: int = 0, tokens: int = 0, h2d: float = 0.0, new: bool = True,
             **values: Any) -> None:
        """Ends a step. `values` are numbers, or functions called at the next flush only."""

    def phase(self, name: str, par: bool = False) -> Span:
        """A phase, for `with`. `par`: overlapped with useful work, so it is never charged."""
        return _silent_span

    def metric(self, key: str, val: Any, hib: Optional[bool] = None,
               split: Optional[str] = None) -> None:
        """A quality figure; `hib`: higher is better."""

    def sample(self, key: Union[bytes, str]) -> None:
        """Counts one unit of work and adds `key` to the proof of equal work."""

    def work(self, n: Optional[float] = None, digest: Optional[str] = None) -> None:
        """Reports units done since the last report; without `n`, those told to `sample`."""

    def config(self, values: Dict[str, Any]) -> None:
        """Settings that a change may alter: seeds, batch size, precision."""

    def checkpoint(self, bytes: Optional[int] = None, block: Optional[float] = None,
                   done: bool = True) -> None:
        """A checkpoint; `block`: seconds the loop stood still; `done`: durable."""

    def note(self, code: str, msg: str = "") -> None:
        """Anything worth a line: a recompile, a retry after running out of memory."""

    def finish(self, rc: Optional[int] = 0) -> None:
        """The clean end. Called at exit when the job does not."""

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self.finish(0)
        elif issubclass(kind, SystemExit):
            code = getattr(error, "code", None)
            self.finish(code if isinstance(code, int) else 0 if code is None else 1)
        else:
            self.finish(1)
