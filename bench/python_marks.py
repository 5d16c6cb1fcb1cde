#!/usr/bin/env python3
"""What a mark costs a job: each loop against an empty one, outside and inside the loop.

    python3 bench/python_marks.py [rounds]
"""

import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
import amdahl  # noqa: E402

microseconds_max = 5.0
tries = 50


def empty(run, rounds):
    for _ in range(rounds):
        pass


def step(run, rounds):
    for _ in range(rounds):
        run.step(samples=32)


def step_with_value(run, rounds):
    for _ in range(rounds):
        run.step(samples=32, loss=lambda: 0.5)


def data(run, rounds):
    for _ in run.data(range(rounds)):
        pass


def sample(run, rounds):
    for _ in range(rounds):
        run.sample(b"image-0001")


def phase(run, rounds):
    for _ in range(rounds // 2):  # A phase is two marks.
        with run.phase("input"):
            pass


def seconds(loop, run, rounds):
    """The best of many short rounds: what the mark costs, not what the machine did besides."""
    best = float("inf")
    for _ in range(tries):
        begun = time.perf_counter()
        loop(run, rounds)
        best = min(best, time.perf_counter() - begun)
    return best


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        events = os.path.join(folder, "events")
        outside = amdahl.start(environ={})
        inside = amdahl.start(environ={"AMDAHL_EVENTS": events})
        print(f"{'mark':<16} {'outside µs':>10} {'inside µs':>10} {'inside / empty':>15}")
        for loop in (step, step_with_value, data, sample, phase):
            base = seconds(empty, None, rounds)
            out, within = (seconds(loop, run, rounds) for run in (outside, inside))
            cost = [max(0.0, spent - base) / rounds * 1e6 for spent in (out, within)]
            slow = slow or cost[1] > microseconds_max
            print(f"{loop.__name__:<16} {cost[0]:>10.2f} {cost[1]:>10.2f} {within / base:>14.0f}×")
        inside.finish()
    print(f"target: at most {microseconds_max:.0f} µs a mark: {'missed' if slow else 'met'}")


if __name__ == "__main__":
    main()
