"""Runs the stages of script/test and prints their sum as the last line."""

import argparse
import os
import pathlib
import signal
import sys
import time

from counts import Counts
from stages import FULL, STAGES, Bench, ahead_of, parallel_jobs

OUTPUT_LINES = 80  # of each failure; the rest is in the log


def arguments(words):
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("--yes", "-y", action="store_true", help="install without asking")
    parser.add_argument("--full", action="store_true", help="also the stages that take long")
    parser.add_argument("--only", metavar="STAGE[,STAGE...]", help="these stages alone")
    parser.add_argument("--list", action="store_true", help="print the stages and stop")
    chosen = parser.parse_args(words)
    chosen.only = chosen.only.split(",") if chosen.only else []
    for name in set(chosen.only) - {stage.name for stage in STAGES}:
        parser.error(f"no stage '{name}': there are {', '.join(s.name for s in STAGES)}")
    return chosen


def stages_of(chosen):
    if chosen.only:
        return [stage for stage in STAGES if stage.name in chosen.only]
    return [stage for stage in STAGES if chosen.full or not stage.full]


def show(counts):
    for name, output in counts.failures:
        print(f"  FAILED  {name}")
        for line in output.rstrip().splitlines()[-OUTPUT_LINES:]:
            print(f"  | {line}")


def early_counts(stage, bench):
    """What the whole stage came to, where it was done beside an earlier one."""
    counts = bench.ahead.take(stage.name) if stage.early == "whole" else None
    if counts:
        print("      done beside an earlier stage; the seconds are what was waited for it")
    return counts


def run(stage, bench):
    print(f"  ..  {stage.name:10} {stage.what}", flush=True)
    started = time.monotonic()
    if stage.needs and bench.built.get(stage.needs) is False:
        counts = Counts(skipped=1)
        print(f"      not run: {stage.needs} did not build")
    else:
        counts = early_counts(stage, bench) or stage.run(bench)
    show(counts)
    mark = "FAIL" if counts.failed else " ok "
    print(f"{mark}  {stage.name:10} {time.monotonic() - started:5.0f} s   {counts}", flush=True)
    return counts


def main(words):
    chosen = arguments(words)
    if chosen.list:
        for stage in STAGES:
            print(f"{stage.name:10} {stage.what}{' (only with --full)' if stage.full else ''}")
        return 0
    if chosen.full:
        os.environ[FULL] = "1"
    source = pathlib.Path(__file__).resolve().parents[2]
    os.chdir(source)
    bench = Bench(source, source / "build/logs", parallel_jobs(), {})
    bench.ahead = ahead_of(bench, [stage.name for stage in stages_of(chosen)])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    total = Counts()
    started = time.monotonic()
    try:
        for stage in stages_of(chosen):
            total += run(stage, bench)
    except KeyboardInterrupt:
        total += Counts.failure("interrupted")
        bench.ahead.stop()
    print(f"{time.monotonic() - started:.0f} s in all; the logs are in build/logs")
    for name, _ in total.failures:
        print(f"  failed: {name}")
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
