"""Ctrl-C in the middle of a demo: everything it started ends, and what it found stays."""

import os
import pathlib
import signal
import subprocess
import time

PAIRS_BEFORE = 3
STARTS_WITHIN_S = 600  # the release may have to be built first
ENDS_WITHIN_S = 60


def processes_of(home):
    """pid → command of every process that knows this folder, from its command line or environment."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            known = home.encode() in words + (folder / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile
        if known and int(folder.name) != os.getpid():
            found[int(folder.name)] = words.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found


def pairs_done(home, seed):
    return len(list(pathlib.Path(home, f"seed-{seed}", "runs/done").glob("al-*")))


def interrupt(command, home, seed, environment, log):
    """Runs `command`, sends it SIGINT as a terminal does when some pairs are done. Sentences about
    what is not as it must be."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                               stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    until = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and pairs_done(home, seed) < PAIRS_BEFORE and time.monotonic() < until:
        time.sleep(0.1)
    if process.poll() is not None:
        return [f"it ended with {process.returncode} before it could be interrupted"]
    os.killpg(process.pid, signal.SIGINT)
    try:
        status = process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return [f"it does not end within {ENDS_WITHIN_S} s of Ctrl-C"]
    found = [] if status == 130 else [f"Ctrl-C ends it with {status}, not 130"]
    return found + [f"process {pid} is left: {words}" for pid, words in processes_of(home).items()]
