"""warden.py COMMAND...: runs it and ends all that it leaves behind, whatever session it moved to.

A faulty shim or loop may leave processes that nobody ends. They become children of this process, are
collected at once, as by init, and end with the command, at SIGTERM, or when whoever started this dies.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ROUNDS = 500  # of killing what the killed leave


class Stopped(Exception):
    pass


def stop(*_):
    raise Stopped


def descendants_of(ancestor):
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue  # it has ended
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, next_up = [], [ancestor]
    while next_up:
        below = children.get(next_up.pop(), [])
        found += below
        next_up += below
    return found


def end_all():
    for _ in range(ROUNDS):
        for pid in descendants_of(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def main(command):
    prctl = ctypes.CDLL(None).prctl
    signal.signal(signal.SIGTERM, stop)
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    status = 1
    try:
        child = subprocess.Popen(command, start_new_session=True).pid
        while True:
            pid, ended = os.waitpid(-1, 0)
            if pid == child:
                status = os.waitstatus_to_exitcode(ended)
                break
    except Stopped:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_all()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
