#!/usr/bin/env python3
"""What is planted in examples/eval: what each fix saves, in every order.

    python3 bench/eval_planted.py [--rounds 5] [--busy]

Every state is run once per round, in turn, so that a machine that slows down slows all of them.
`--busy` keeps one core spinning meanwhile.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

example = pathlib.Path(__file__).resolve().parent.parent / "examples" / "eval"
fixes = {"workers": ["--workers", "2"], "batch": ["--batch", "32"], "gpus": []}
others = {"pinned": ["--pinned", "1"], "rows": ["--rows", "4"]}
states = [frozenset(s) for n in range(4) for s in itertools.combinations(fixes, n)]


def run(state, extra, data):
    """(wall seconds, GPUs, what the job printed last)."""
    gpus = 2 if "gpus" in state else 4
    command = [sys.executable, str(example / "eval.py"), "--data", data, *extra]
    for fix in state:
        command += fixes[fix]
    env = {"PATH": os.environ["PATH"], "AMDAHL_EVENTS": os.path.join(data, "..", "events"),
           "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(gpus)))}
    begun = time.monotonic()
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    wall = time.monotonic() - begun
    return wall, gpus, json.loads(done.stdout.splitlines()[-1])


def spin():
    while True:
        pass


def label(state):
    return " + ".join(fix for fix in fixes if fix in state) or "baseline"


def measure(rounds, data):
    cases = [(state, name) for state in states for name in (None, *others)]
    walls = {case: [] for case in cases}
    last = {}
    for _ in range(rounds):
        for state, name in cases:
            wall, gpus, last[state, name] = run(state, others.get(name, []), data)
            walls[state, name].append(wall * gpus)
    return walls, last


def report(walls, last):
    cost = {case: statistics.median(values) for case, values in walls.items()}
    base = cost[frozenset(), None]
    print(f"{'state':<26} {'wall s':>7} {'spread':>7} {'faster':>7} {'saving':>7} {'accuracy':>9}"
          f"{'pinned':>8} {'rows':>7}")
    for state in states:
        gpus = 2 if "gpus" in state else 4
        own = cost[state, None]
        spread = statistics.stdev(walls[state, None]) / statistics.mean(walls[state, None])
        extra = [1 - cost[state, name] / own for name in others]
        print(f"{label(state):<26} {own / gpus:>7.3f} {spread:>7.1%} {base / own * gpus / 4:>6.2f}×"
              f" {1 - own / base:>7.1%} {last[state, None]['quality']:>9.4f}"
              f"{extra[0]:>8.1%} {extra[1]:>7.1%}")
    print("\norder of the fixes: what each saves of what was left")
    for path in itertools.permutations(fixes):
        steps = [frozenset(path[:n]) for n in range(4)]
        saved = [1 - cost[b, None] / cost[a, None] for a, b in zip(steps, steps[1:])]
        print("  " + ", ".join(f"{fix} {share:.1%}" for fix, share in zip(path, saved)))
    digests = {last[state, name]["predictions"] for state in states for name in (None, "pinned")}
    print(f"\npredictions alike: {len(digests) == 1}; "
          f"accuracy of rows: {last[frozenset(), 'rows']['quality']:.4f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        subprocess.run([sys.executable, str(example / "prepare.py"), data], check=True)
        spinner = multiprocessing.Process(target=spin, daemon=True)
        if args.busy:
            spinner.start()
        report(*measure(max(2, args.rounds), data))
        if args.busy:
            spinner.kill()


if __name__ == "__main__":
    main()
