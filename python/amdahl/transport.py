"""Where lines go: a file, a datagram socket or marked lines on stdout. Drops, never waits."""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False  # Importing typing would cost every job some milliseconds.
if TYPE_CHECKING:
    from typing import Mapping, Optional

line_bytes_max = 4096  # amdahl/1; also the most that a pipe takes in one piece.


class Transport:
    """One `write` per line. A line that cannot leave at once is lost, which `q` makes visible."""

    prefix = b""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._identity = _identity(fd)
        self._torn = False

    def send(self, line: bytes) -> None:
        if self._fd < 0:
            return
        if _identity(self._fd) != self._identity:
            self._fd = -1  # The job closed it; the number may now be a file of its own.
            return
        self._write(line)

    def _write(self, line: bytes) -> None:
        # After a full disk took half a line, the next one must not grow onto it.
        raw = (b"\n" if self._torn else b"") + self.prefix + line
        try:
            self._torn = os.write(self._fd, raw) != len(raw)
        except OSError:
            pass

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd > 2 and _identity(fd) == self._identity:
            os.close(fd)


class Stdout(Transport):
    """Shares the job's stdout, which may be a pipe that nobody empties."""

    prefix = b"@amdahl "

    def _write(self, line: bytes) -> None:
        ready = select.poll()
        ready.register(self._fd, select.POLLOUT)
        if any(event & select.POLLOUT for _, event in ready.poll(0)):
            super()._write(line)


def open_transport(env: Mapping[str, str], rank: int) -> Optional[Transport]:
    """The transport that the environment asks for; none outside the loop."""
    if env.get("AMDAHL_DISABLE") == "1":
        return None
    path, address = env.get("AMDAHL_EVENTS"), env.get("AMDAHL_SOCKET")
    if path:
        return Transport(_open_file(path if rank == 0 else "%s.%d" % (path, rank)))
    if address:
        return Transport(_connect(address))
    if env.get("AMDAHL_EVENTS_STDOUT") == "1":
        return Stdout(1)
    return None


def _open_file(path: str) -> int:
    # O_NONBLOCK: opening a pipe without a reader fails instead of waiting for one.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    return os.open(path, flags, 0o644)


def _connect(address: str) -> int:
    import socket  # Slow to import, and seldom needed.

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.setblocking(False)
        link.connect(address)
        return link.detach()


def _identity(fd: int) -> Optional[tuple]:
    try:
        stat = os.fstat(fd)
        return stat.st_dev, stat.st_ino
    except OSError:
        return None
