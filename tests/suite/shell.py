"""Runs the commands of a stage: output into a log file, a sign of life on the screen."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

SIGN_OF_LIFE_S = 30  # A build is silent for minutes; people and CI give up on silence.


class Shell:
    running = set()  # processes, for an interruption

    def __init__(self, log_path, environment=None, in_the_background=False):
        """in_the_background: its commands get what others leave of the machine, and show nothing."""
        self.log_path = pathlib.Path(log_path)
        self.in_the_background = in_the_background
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log_path.write_bytes(b"")
        self.environment = {**os.environ, **(environment or {})}

    def run(self, *command, environment=None):
        """Exit status of the command; 127 when it does not exist."""
        with open(self.log_path, "ab") as log:
            log.write(f"$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            try:
                process = subprocess.Popen(
                    [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                    stderr=subprocess.STDOUT, start_new_session=True,
                    env={**self.environment, **(environment or {})})
            except OSError as error:
                log.write(f"{command[0]}: {error.strerror}\n".encode())
                return 127
            Shell.running.add(process)
            if self.in_the_background:
                stand_back(process)
            watcher = None if self.in_the_background else SignOfLife(process, self)
            try:
                return process.wait()
            except BaseException:
                stop_group(process)
                raise
            finally:
                if watcher:
                    watcher.stop()
                Shell.running.discard(process)

    def tail(self, lines=60):
        return "\n".join(self.text().splitlines()[-lines:])

    def text(self):
        return self.log_path.read_text("utf-8", "replace")

    @classmethod
    def stop_all(cls):
        for process in list(cls.running):
            stop_group(process)


class SignOfLife:
    def __init__(self, process, shell):
        self.process = process
        self.shell = shell
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.show, daemon=True)
        self.thread.start()

    def show(self):
        started = time.monotonic()
        while not self.stopped.wait(SIGN_OF_LIFE_S):
            last = self.shell.tail(1).strip()[:100]
            print(f"      {time.monotonic() - started:4.0f} s  {last}", file=sys.stderr, flush=True)

    def stop(self):
        self.stopped.set()
        self.thread.join()


def stand_back(process):
    """Lets everything else on the machine go first. A session is scheduled as one (sched(7), the
    autogroup feature), so the policy of its processes is not enough."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{process.pid}/autogroup").write_text("19")


def stop_group(process, grace_s=10):
    """Ends the command and all it started; each command has a process group of its own."""
    for sign, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, grace_s)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience_s)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
