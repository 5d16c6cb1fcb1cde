"""A demo that is interrupted or killed: what it started ends, and what it found stays."""

import os
import pathlib
import signal
import subprocess
import time

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


def start(command, home, seed, environment, log, pairs):
    """Runs `command` until so many pairs are done. None: it ended before."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                               stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    until = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and pairs_done(home, seed) < pairs and time.monotonic() < until:
        time.sleep(0.1)
    return process if process.poll() is None else None


def kill(command, home, seed, environment, log):
    """Kills the script alone: the next demo must be able to go on at once."""
    process = start(command, home, seed, environment, log, pairs=6)
    if process is None:
        return ["it ended before it could be killed"]
    process.kill()
    process.wait(10)
    return []


def interrupt(command, home, seed, environment, log):
    """Ctrl-C, as a terminal sends it. Sentences about what is not as it must be."""
    process = start(command, home, seed, environment, log, pairs=3)
    if process is None:
        return ["it ended before it could be interrupted"]
    os.killpg(process.pid, signal.SIGINT)
    try:
        status = process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return [f"it does not end within {ENDS_WITHIN_S} s of Ctrl-C"]
    found = [] if status == 130 else [f"Ctrl-C ends it with {status}, not 130"]
    return found + [f"process {pid} is left: {words}" for pid, words in processes_of(home).items()]
