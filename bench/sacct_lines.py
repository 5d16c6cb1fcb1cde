#!/usr/bin/env python3
"""What sacct -D prints of a fleet that never was: the same lines for the same seed.

    python3 bench/sacct_lines.py LINES [SEED] [--steps SHARE] > sacct.txt

Attempts of some thousand families, a few of them requeued (the same id, submitted anew), cancelled in the
queue, without GPUs or still running; below a share of the attempts stand their steps.
"""

import argparse
import random
import sys

TITLES = "JobIDRaw|JobName|User|Account|Partition|Cluster|State|Submit|Eligible|Start|End|AllocTRES"
BEGIN_S = 1_780_000_000
STATES = (["COMPLETED"] * 70 + ["FAILED"] * 10 + ["TIMEOUT"] * 6 + ["CANCELLED by 1001"] * 6 + ["OUT_OF_MEMORY"] * 2 +
          ["NODE_FAIL", "PREEMPTED", "RUNNING", "PENDING", "CANCELLED by 1002", "COMPLETED"])
GPUS = (0, 1, 1, 1, 2, 4, 8, 8, 8, 16, 64)


def tres(gpus):
    return f"billing=8,cpu=8,gres/gpu={gpus},mem=64G,node={max(1, gpus // 8)}" if gpus else "billing=8,cpu=8,mem=64G,node=1"


def attempt(random_, number, submit, families):
    """The line of an attempt, its state, and what its steps need."""
    family = int(families * random_.random() ** 2)  # a few families have most of the runs
    state = random_.choice(STATES)
    gpus = GPUS[family % len(GPUS)]
    start = submit + random_.randrange(7_200)
    end = start + random_.randrange(60, 90_000)
    started, ended = state != "PENDING", state not in ("PENDING", "RUNNING")
    cells = (f"{number}", f"model{family % 97}_seed{number % 31}", f"user{family % 211}", f"team{family % 23}",
             "gpu" if family % 3 else "long", "fleet", state, f"{submit}", f"{submit}", f"{start}" if started else "Unknown",
             f"{end}" if ended else "Unknown", tres(gpus) if started else "")
    return "|".join(cells), started, start, end, gpus


def steps(number, state, start, end, gpus):
    launched = start + (number % 300)
    for name, began, given in (("batch", start, gpus), ("extern", start, gpus), ("0", launched, max(1, gpus // 2))):
        yield f"{number}.{name}|{name}||team|||{state}|{start}|{start}|{began}|{end}|{tres(given)}"


def lines(count, seed=1, steps_share=0.0, families=5_000):
    random_ = random.Random(seed)
    yield TITLES
    made, number, submit = 1, 0, BEGIN_S
    while made < count:
        number += 1
        submit += random_.randrange(1, 6)
        again = 2 if random_.random() < 0.01 else 1
        at = submit
        for _ in range(again):
            line, started, start, end, gpus = attempt(random_, number, at, families)
            at = end + 60
            yield line
            made += 1
            if started and random_.random() < steps_share:
                for step in steps(number, line.split("|")[6], start, end, gpus):
                    yield step
                    made += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--steps", type=float, default=0.0)
    given = parser.parse_args()
    out = sys.stdout
    for line in lines(given.count, given.seed, given.steps):
        out.write(line + "\n")


if __name__ == "__main__":
    main()
