#!/usr/bin/env python3
"""Evaluates a language model on arithmetic, as an evaluation job of a cluster does. See README.md."""

import argparse
import hashlib
import json
import os
import sys
import time

import amdahl  # python/amdahl of this repository, in the snapshot of the code

started = time.monotonic()

questions_per_shard = 192
shards = 3
# What a job of this kind waits for, in seconds. The model itself is a rule: it needs no GPU.
load_seconds = 0.08  # the checkpoint
compile_seconds = 0.4  # the kernels, without a cache
cached_seconds = 0.02
launch_seconds = 0.022  # of a batch: the host, whatever its size
question_seconds = 0.0012  # of the fullest GPU, for each question
score_seconds = 0.06
precisions = {"bf16": (1.0, 0.04), "int4": (0.6, 0.12)}  # share of the time, share of wrong answers


def dice(*words):
    """A number from 0 to 1 that depends on the words alone."""
    raw = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return int.from_bytes(raw[:6], "big") / 2**48


def visible_gpus(environ=os.environ):
    """How many the scheduler gave; one where it said nothing."""
    return max(1, len([name for name in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]))


def choose(seed, shard, length):
    """(name, a, b) of each question: a shard in the order of the seed, again and again up to the length."""
    names = [f"q{shard % shards}-{number:03}" for number in range(questions_per_shard)]
    chosen = []
    for turn in range(length):
        chosen += sorted(names, key=lambda name: dice("order", seed, turn, name))
    return [(name, int(90 * dice("a", name)) + 10, int(90 * dice("b", name)) + 10) for name in chosen]


class Model:
    """Adds two numbers, and errs on some questions, always the same ones."""

    def __init__(self, precision, gpus):
        self._pace, self._errs = precisions[precision]
        self._gpus = gpus

    def launch(self):
        time.sleep(launch_seconds)

    def answer(self, batch):
        """The fullest GPU decides."""
        time.sleep(self._pace * question_seconds * -(-len(batch) // self._gpus))
        return [a + b + (dice("errs", name) < self._errs) for name, a, b in batch]


def evaluate(run, args, gpus):
    with run.phase("init"):
        questions = choose(args.seed, args.shard, args.length)
        run.config({"gpus": gpus, "batch": args.batch, "cache": args.cache, "precision": args.precision})
        time.sleep(load_seconds)
    with run.phase("warmup"):
        model = Model(args.precision, gpus)
        time.sleep(cached_seconds if args.cache else compile_seconds)
    answers = []
    for first in range(0, len(questions), args.batch):
        batch = questions[first:first + args.batch]
        with run.phase("host"):
            model.launch()
        with run.phase("compute"):
            answers += model.answer(batch)
        run.step(samples=len(batch))
    with run.phase("tail"):
        time.sleep(score_seconds)
        right = sum(answer == a + b for answer, (_, a, b) in zip(answers, questions))
        for name, _, _ in questions:
            run.sample(name)
        run.metric("accuracy", right / len(questions), hib=True)
        run.work()
    return questions, answers, right / len(questions)


def digest(questions, answers):
    """Of what was answered, whatever the order."""
    names = sorted(f"{name}={answer}" for (name, _, _), answer in zip(questions, answers))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def whole(low, high):
    def parse(text):
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"must be from {low} to {high}")
        return number
    return parse


def main():
    parser = argparse.ArgumentParser(description="Evaluate a language model on arithmetic.")
    parser.add_argument("--batch", type=whole(1, 1024), default=8, help="questions in a step")
    parser.add_argument("--cache", type=whole(0, 1), default=0, help="1: keep compiled kernels from run to run")
    parser.add_argument("--precision", choices=sorted(precisions), default="bf16")
    parser.add_argument("--seed", type=int, default=0, help="order of the questions")
    parser.add_argument("--shard", type=int, default=0, help=f"part of them, modulo {shards}")
    parser.add_argument("--length", type=whole(1, 100), default=1, help="so many times the shard")
    args = parser.parse_args()
    gpus = visible_gpus()
    print(f"device: none; waits as long as {gpus} GPUs would take", file=sys.stderr, flush=True)
    with amdahl.start() as run:
        questions, answers, accuracy = evaluate(run, args, gpus)
    print(json.dumps({"seconds": round(time.monotonic() - started, 6), "gpus": gpus, "units": len(questions),
                      "quality": accuracy, "predictions": digest(questions, answers)}))


if __name__ == "__main__":
    sys.exit(main())
