#!/usr/bin/env python3
"""From the end of a job of Slurm to the next submit of the loop, through each of two webhooks, on real daemons.

    python3 bench/slurm_wake.py AMDAHL

Both moments are slurmctld's own, from its log. The service looks by itself every five minutes only. Prints rows for
bench/run; skips itself with words where there is no root or no Slurm.
"""

import contextlib
import datetime
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests/slurm"), str(HERE.parent / "tests/integration")]

from programs import row  # noqa: E402

# Of each way: its name, what Lab.rewire is told, the bound in seconds.
WAYS = (("EpilogSlurmctld", "epilog", 1.0), ("jobcomp/elasticsearch", "hook_url", 2.5))
GAPS = 9
WAIT_S = 120
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd", "slurmrestd", "sbatch")
LINE = re.compile(r"^\[(\S+)\] (?:_job_complete: JobId=\d+ done|(_slurm_rpc_submit_batch_job): JobId=)", re.MULTILINE)


def name_of(way):
    return f"Slurm's end of a job to the next submit, {way}"


def gaps(text):
    """Seconds from each end to the submit that follows it, in what slurmctld logged."""
    found, ended = [], None
    for at, submits in LINE.findall(text):
        moment = datetime.datetime.fromisoformat(at)
        if not submits:
            ended = moment
        elif ended:
            found.append((moment - ended).total_seconds())
            ended = None
    return found


def measure(stand_of, lab, doors, way):
    """One run at a time, so that each end is what the next submit waits for."""
    from stand import amdahl, wait_until

    lab.rewire(**{way: doors.script if way == "epilog" else doors.hook_url})
    log = lab.base / "log/slurmctld.log"
    before = log.stat().st_size
    stand = stand_of()
    try:
        stand.start_ledger()
        doors.configure(stand.state, lab, poll="300s")
        (stand.state / "conf.d/z-one.toml").write_text("[budget]\nconcurrent_runs = 1\n")
        job = stand.threefold()
        job.write_text(job.read_text().replace('cluster = "local"', 'cluster = "lab"'))
        service = stand.serve(environment=lab.env)
        service.wait_for("leading")
        amdahl("jobs", "add", job, config=stand.config)
        def enough():
            found = gaps(log.read_bytes()[before:].decode(errors="replace"))
            # elasticsearch's sender rests for half a minute after slurmctld's start: the first waits for that.
            return found[1:GAPS + 1] if len(found) > GAPS else None
        return wait_until(enough, f"{GAPS} submits after an end", WAIT_S)
    finally:
        stand.remove()
        lab.run("scancel", "--user=root", check=False)
        # What ends while no service listens makes elasticsearch's sender pause for 30 s.
        wait_until(lambda: not lab.run("squeue", "-h"), "the queue is empty", WAIT_S)


def why_not():
    if os.geteuid() != 0:
        return "needs root"
    return None if all(map(shutil.which, DAEMONS)) else "no Slurm here"


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    if reason := why_not():
        for way, _, bound in WAYS:
            print(name_of(way), reason, f"{bound:.1f} s", "-", sep="\t")
        return
    os.environ.update(AMDAHL_SOURCE_DIR=str(HERE.parent), AMDAHL_BINARY_DIR=str(program.parent))
    from lab import Lab
    from served import Doors
    from stand import Stand, free_port

    folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm-", dir="/tmp"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        doors = Doors(folder, free_port(), program)
        lab = stack.enter_context(Lab(folder))
        for way, wiring, bound in WAYS:
            times = measure(Stand, lab, doors, wiring)
            row(name_of(way), f"{statistics.median(times):.2f} s (most of {len(times)}: {max(times):.2f})", f"{bound:.1f} s",
                statistics.median(times) <= bound)


if __name__ == "__main__":
    main()
