"""Marks a job for Amdahl Loop: phases, steps, quality and proof of equal work (amdahl/1).

    import amdahl
    run = amdahl.start()
    for batch in run.data(loader):
        loss = step(batch)
        run.step(samples=len(batch), loss=lambda: loss)

Outside the loop every call is a no-op. Inside it no call blocks, raises, opens the network or
touches the GPU. Standard library only.
"""

from __future__ import annotations

import atexit
import os
import sys

from .recorder import Recorder
from .run import Run
from .transport import open_transport
from .work import WorkDigest

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Mapping, Optional

__all__ = ["Run", "WorkDigest", "start"]

_current: Optional[Recorder] = None
_hooked = False
_forked = False


def start(
    rank: Optional[int] = None,
    world: Optional[int] = None,
    restart_step: int = 0,
    all_ranks: bool = False,
    environ: Optional[Mapping[str, str]] = None,
) -> Run:
    """The run of this process: a recorder inside the loop, else a no-op. Asking twice is safe.

    Ranks other than 0 stay silent unless `all_ranks` or AMDAHL_ALL_RANKS=1 asks for them, and so
    do worker processes that were given no rank.
    """
    global _current
    try:
        if _current is not None and _current.open:
            return _current
        env = os.environ if environ is None else environ
        here = _number(env, rank, "RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")
        if here is None and _is_worker():
            return Run()
        here = here or 0
        if here != 0 and not all_ranks and env.get("AMDAHL_ALL_RANKS") != "1":
            return Run()
        transport = open_transport(env, here)
        if transport is None:
            return Run()
        size = _number(env, world, "WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")
        _current = Recorder(transport, env, here, size or 1, restart_step)
        _hook()
        return _current
    except Exception:  # Telemetry must never cost a job its run.
        return Run()


def _number(env: Mapping[str, str], given: Optional[int], *names: str) -> Optional[int]:
    if given is not None:
        return int(given)
    for name in names:
        if env.get(name, "").isdecimal():
            return int(env[name])
    return None


def _is_worker() -> bool:
    """Whether this is a loader's or a pool's process: its lines would mix with its parent's."""
    processes = sys.modules.get("multiprocessing.process")
    return _forked or (processes is not None and processes.parent_process() is not None)


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _at_exit() -> None:
    if _current is not None:
        # An exit status given to sys.exit() cannot be seen from here: unknown, not zero.
        _current.finish(1 if hasattr(sys, "last_type") else None)


def _in_child() -> None:
    global _forked
    _forked = True
    if _current is not None:
        _current.disown()
