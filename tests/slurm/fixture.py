#!/usr/bin/env python3
"""The laboratory that tests share: fixture.py start FOLDER | stop FOLDER

Three nodes of 4 GPUs: partition `one` has the first, `wide` the others. `start` returns when it runs; FOLDER then holds `rest` (the URL of slurmrestd) and `token`.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lab import Lab, LabError  # noqa: E402

STOP_S = 60
PARTITIONS = """\
PartitionName=one Nodes=n1 State=UP
PartitionName=wide Nodes=n2,n3 State=UP
PartitionName=short Nodes=n1 MaxTime=1 State=UP
"""


def write(path, text):
    path.touch(mode=0o600)
    path.write_text(text)


def hold(folder, ready):
    """Holds the laboratory until SIGTERM; tells `ready` that it runs, or why not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Lab(folder, nodes=3, gpus=4, more=PARTITIONS) as lab:
            write(folder / "rest", f"http://127.0.0.1:{lab.rest_port}")
            write(folder / "token", lab.token(lifespan=86400))
            os.write(ready, b"ready")
            os.close(ready)
            signal.pause()
    except KeyboardInterrupt:
        pass
    except (LabError, OSError, subprocess.SubprocessError) as error:
        with contextlib.suppress(OSError):
            os.write(ready, str(error).encode())


def start(folder):
    stop(folder)
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root: the tests skip themselves")
        return
    missing = [name for name in ("slurmctld", "slurmd", "slurmrestd", "slurmdbd", "munged", "mariadbd", "sbatch")
               if not shutil.which(name)]
    if missing:
        sys.exit(f"{', '.join(missing)} missing: script/setup")
    folder.mkdir(parents=True)
    read, ready = os.pipe()
    holder = os.fork()
    if holder == 0:
        os.setsid()
        os.close(read)
        with open(os.devnull, "r+b") as null:
            for stream in range(3):
                os.dup2(null.fileno(), stream)
        hold(folder, ready)
        os._exit(0)
    os.close(ready)
    write(folder / "pid", str(holder))
    told = b""
    while piece := os.read(read, 4096):
        told += piece
    if told != b"ready":
        sys.exit(f"the laboratory does not start: {told.decode(errors='replace')}")


def stop(folder):
    """What an interrupted run of the tests left is ended as well."""
    with contextlib.suppress(OSError, ValueError):
        holder = int((folder / "pid").read_text())
        command = pathlib.Path(f"/proc/{holder}/cmdline").read_bytes()
        if str(folder).encode() in command:  # else the number is another process's by now
            os.kill(holder, signal.SIGTERM)
            until = time.monotonic() + STOP_S
            while pathlib.Path(f"/proc/{holder}").exists() and time.monotonic() < until:
                time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](pathlib.Path(sys.argv[2]))
