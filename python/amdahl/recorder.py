"""The run inside the loop: turns what the job says into lines."""

from __future__ import annotations

import functools
import os
import sys
import time
from _thread import RLock

from .run import Run, Span
from .steps import StepWindow
from .transport import Transport, line_bytes_max
from .values import dumps, name_chars_max, number, plain, text
from .work import WorkDigest

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional, Union

hello_every_seconds = 60.0
values_per_flush_max = 32
phase_names_max = 256  # Quoted names kept; a job with more pays for quoting again.
# Time in these phases belongs to no step, also when they run between two steps.
_outside_steps = frozenset(["init", "restore", "eval", "ckpt", "tail"])
_monotonic = time.monotonic


def _harmless(method: Callable) -> Callable:
    @functools.wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            method(*args, **kwargs)
        except Exception:  # Telemetry must never cost a job its run.
            pass

    return guarded


class Recorder(Run):
    def __init__(self, transport: Transport, env: Mapping[str, str], rank: int, world: int,
                 restart_step: int) -> None:
        self.open = True
        # Re-entrant: a signal handler or a value's function may mark in the middle of a mark.
        self._lock = RLock()
        self._transport = transport
        self._q = 0
        self._next_id = 1
        self._step = int(restart_step)
        self._hello_at = self._step_from = _monotonic()
        self._window = StepWindow(self._step, self._step_from)
        self._work = WorkDigest()
        self._names: Dict[str, str] = {}
        self._hello_fields = _hello_fields(env, rank, world, self._step)
        self._hello()

    def data(self, loader: Iterable) -> Any:
        return _TimedLoader(self, loader)

    @_harmless
    def step(self, samples: int = 0, tokens: int = 0, h2d: float = 0.0, new: bool = True,
             **values: Any) -> None:
        if not self.open:
            return
        now = _monotonic()
        ended = None
        with self._lock:
            window = self._window
            if new is not window.new:
                ended = self._next_window(now, new)
                window = self._window
            window.durations.append(now - self._step_from)
            window.samples += samples
            window.tokens += tokens
            window.h2d += h2d
            if values:
                window.values = values  # Those of the last step stand for the window.
            self._step_from = now
            self._step += 1
            full = self._next_window(now, new) if window.due(now) else None
        # Outside the lock: a value's function may be slow.
        self._report(ended)
        self._report(full)

    def phase(self, name: str, par: bool = False) -> Span:
        return _RecordedSpan(self, name, par)

    @_harmless
    def metric(self, key: str, val: Any, hib: Optional[bool] = None,
               split: Optional[str] = None) -> None:
        fields = {"key": text(key, name_chars_max), "val": number(val), "step": self._step}
        if split is not None:
            fields["split"] = text(split, name_chars_max)
        if hib is not None:
            fields["hib"] = bool(hib)
        self._emit("met", fields)

    @_harmless
    def sample(self, key: Union[bytes, str]) -> None:
        with self._lock:
            self._work.add(key)

    @_harmless
    def work(self, n: Optional[float] = None, digest: Optional[str] = None) -> None:
        if n is None:
            with self._lock:
                done, self._work = self._work, WorkDigest()
            n, digest = done.n, done.hexdigest()
        fields = {"n": number(n)}
        if digest is not None:
            fields["digest"] = text(digest, name_chars_max)
        self._emit("work", fields)

    @_harmless
    def config(self, values: Dict[str, Any]) -> None:
        self._emit_config(plain(dict(values)))

    @_harmless
    def checkpoint(self, bytes: Optional[int] = None, block: Optional[float] = None,
                   done: bool = True) -> None:
        fields: Dict[str, Any] = {"step": self._step}
        if bytes is not None:
            fields["bytes"] = number(bytes)
        if block is not None:
            fields["block"] = number(block)
        fields["done"] = bool(done)
        self._emit("ck", fields)

    @_harmless
    def note(self, code: str, msg: str = "") -> None:
        # At six bytes a character both fit into a line.
        self._emit("note", {"code": text(code, name_chars_max), "msg": text(msg, 500)})

    @_harmless
    def finish(self, rc: Optional[int] = 0) -> None:
        with self._lock:
            if not self.open:
                return
            window = self._next_window(_monotonic(), True)
        self._report(window)
        self._emit("bye", {"rc": number(rc), "step": self._step})
        self.open = False
        self._transport.close()

    def disown(self) -> None:
        """Silences the copy of this run in a forked child."""
        self.open = False

    def _next_window(self, now: float, new: bool) -> Optional[StepWindow]:
        window, self._window = self._window, StepWindow(self._step, now, new)
        return window if window.durations else None

    def _report(self, window: Optional[StepWindow]) -> None:
        if window is None:
            return
        self._emit("s", window.fields())
        for key, value in list(window.values.items())[:values_per_flush_max]:
            self.metric(key, value)

    def _begin(self, name: str, par: bool) -> int:
        quoted = self._names.get(name)
        if quoted is None:
            quoted = dumps(text(name, name_chars_max))
            if len(self._names) < phase_names_max:
                self._names[name] = quoted
        with self._lock:
            id_, self._next_id = self._next_id, self._next_id + 1
            extra = ',"par":true' if par else ""
            self._line("b", ',"ph":%s,"id":%d,"step":%d%s' % (quoted, id_, self._step, extra))
        return id_

    def _end(self, id_: int, name: str, par: bool, begun: float) -> None:
        with self._lock:
            self._line("e", ',"id":%d' % id_)
            if name in _outside_steps and not par:
                now = _monotonic()
                self._step_from = min(now, self._step_from + now - begun)

    @_harmless
    def _waited(self, begun: float, first: bool) -> None:
        with self._lock:
            if first:
                self._step_from = begun
                if not self._window.durations:
                    self._window.opened = begun
            self._window.wait = (self._window.wait or 0.0) + _monotonic() - begun

    def _emit_config(self, values: Dict[str, Any]) -> None:
        if len(dumps(values).encode()) < line_bytes_max - 128:
            self._emit("cfg", {"obj": values})
        elif len(values) > 1:  # The reader merges them.
            pairs = list(values.items())
            self._emit_config(dict(pairs[: len(pairs) // 2]))
            self._emit_config(dict(pairs[len(pairs) // 2 :]))
        else:
            key, value = next(iter(values.items()))
            self._emit("cfg", {"obj": {key: text(dumps(value), 250) + "…"}})

    def _emit(self, kind: str, fields: Mapping[str, Any]) -> None:
        body = dumps(fields)
        with self._lock:
            self._line(kind, "," + body[1:-1])

    def _line(self, kind: str, fields: str) -> None:
        """Writes one line; the lock is held."""
        if not self.open:
            return
        now = _monotonic()
        if now - self._hello_at >= hello_every_seconds:
            self._hello()
        line = '{"v":1,"k":"%s","q":%d,"m":%.6f%s}\n' % (kind, self._q, now, fields)
        self._q += 1
        raw = line.encode()
        if len(raw) + len(self._transport.prefix) < line_bytes_max:
            self._transport.send(raw)

    def _hello(self) -> None:
        with self._lock:
            self._hello_at = _monotonic()
            body = dumps({"t": round(time.time(), 6), **self._hello_fields})
            self._line("hello", "," + body[1:-1])


class _RecordedSpan(Span):
    __slots__ = ("_run", "_name", "_par", "_id", "_begun")

    def __init__(self, run: Recorder, name: str, par: bool) -> None:
        self._run, self._name, self._par, self._id = run, name, par, 0

    def __enter__(self) -> Span:
        try:
            self._begun = _monotonic()
            self._id = self._run._begin(self._name, self._par)
        except Exception:
            pass
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._id:
                self._run._end(self._id, self._name, self._par, self._begun)
        except Exception:
            pass


class _TimedLoader:
    """The loader, timed; everything but iteration is the loader's own."""

    def __init__(self, run: Recorder, loader: Iterable) -> None:
        self._run, self._loader = run, loader

    def __iter__(self) -> Iterator:
        batches = iter(self._loader)
        first = True
        while True:
            begun = _monotonic()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self._run._waited(begun, first)
            first = False
            yield batch

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _hello_fields(env: Mapping[str, str], rank: int, world: int, step: int) -> Dict[str, Any]:
    key = env.get("AMDAHL_RUN_KEY", "")
    attempt = key.rpartition("-")[2]
    gpus = [gpu for gpu in env.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu.strip()]
    fields = {
        "run": text(key, name_chars_max),
        "fam": text(env.get("AMDAHL_JOB", ""), name_chars_max),
        "att": int(attempt) if attempt.isdecimal() and len(attempt) < 10 else None,
        "rank": rank,
        "world": world,
        "host": os.uname().nodename,
        "gpu": [text(gpu.strip(), 48) for gpu in gpus[:8]],
        "pid": os.getpid(),
        "fw": "python %d.%d.%d" % sys.version_info[:3],
    }
    if step:
        fields["restart_step"] = step
    return {name: value for name, value in fields.items() if value not in ("", None)}
