#!/usr/bin/env python3
"""Evaluates a digit classifier on images from disk. See README.md."""

import time

started = time.monotonic()

import argparse  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

import dataset  # noqa: E402
import device  # noqa: E402
import marks  # noqa: E402
from knobs import knobs, letters, naming, order  # noqa: E402
from loader import Loader  # noqa: E402
from model import Model  # noqa: E402

shards = 3
length_max = 100.0
limits = {"workers": (0, 16), "batch": (1, 96), "pinned": (0, 1), "rows": (4, 8),
          "prefetch": (1, 4096)}


def parse(argv):
    parser = argparse.ArgumentParser(description="Evaluate a digit classifier on images from disk.")
    parser.add_argument("--data", default=os.environ.get("EVAL_DATA"), metavar="FOLDER",
                        help="images written by prepare.py (default: $EVAL_DATA)")
    parser.add_argument("--seed", type=int, default=0, help="order of the images")
    parser.add_argument("--shard", type=int, default=0, help=f"part of them, modulo {shards}")
    parser.add_argument("--length", type=float, default=1.0, help="1: the shard once; 2: twice")
    parser.add_argument("--share", type=float, default=os.environ.get("EVAL_SHARE", 1.0),
                        help="of all lengths, for a quick look (default: $EVAL_SHARE, or 1)")
    parser.add_argument("--device", default=os.environ.get("EVAL_DEVICE", "emulated"),
                        help="emulated or cuda (default: $EVAL_DEVICE, or emulated)")
    for name in limits:
        parser.add_argument(f"--{name}", type=int, default=knobs[name].baseline)
    parser.add_argument("--naming", type=int, metavar="SEED",
                        help="gives --knob-a to --knob-f their meaning")
    for letter in letters:
        parser.add_argument(f"--knob-{letter}", type=int, metavar="N")
    args = parser.parse_args(argv)
    apply_names(parser, args)
    check(parser, args)
    return args


def apply_names(parser, args):
    given = {letter: getattr(args, f"knob_{letter}") for letter in letters}
    given = {letter: value for letter, value in given.items() if value is not None}
    if given and args.naming is None:
        parser.error(f"--knob-{min(given)} has no meaning without --naming SEED")
    meaning = naming(args.naming)
    for letter, value in given.items():
        if meaning[letter] == "gpus":
            parser.error(f"--knob-{letter} is the number of GPUs: set CUDA_VISIBLE_DEVICES")
        setattr(args, meaning[letter], value)


def check(parser, args):
    for name, (low, high) in limits.items():
        if not low <= getattr(args, name) <= high:
            parser.error(f"{name} is {getattr(args, name)}: must be from {low} to {high}")
    if args.rows not in (4, 8):
        parser.error(f"rows is {args.rows}: must be 4 or 8")
    if args.batch > args.prefetch:
        parser.error(f"batch is {args.batch}: must be at most prefetch, {args.prefetch}")
    if not 0 < args.length <= length_max:
        parser.error(f"length is {args.length:g}: must be above 0 and at most {length_max:g}")
    if not 0 < args.share <= 1:
        parser.error(f"share is {args.share:g}: must be above 0 and at most 1")
    if args.shard < 0:
        parser.error(f"shard is {args.shard}: must not be negative")
    if args.device not in ("emulated", "cuda"):
        parser.error(f"device is '{args.device}': must be emulated or cuda")
    if not args.data:
        parser.error("no data: give --data FOLDER, or set EVAL_DATA")


def choose(index, seed, shard, length):
    """What to evaluate, in order. Beyond a length of 1 the shard is gone through again."""
    part = dataset.evaluation_part(index)[shard % shards::shards]
    wanted = max(1, round(length * len(part)))
    chosen = []
    while len(chosen) < wanted:
        shuffled = order(f"seed {seed} epoch {len(chosen) // len(part)}", [n for n, _ in part])
        chosen += shuffled[:wanted - len(chosen)]
    labels = dict(part)
    return [(name, labels[name]) for name in chosen]


class Result:
    """Counts and a digest that does not depend on the order."""

    def __init__(self):
        self.units = self.right = self._sum = 0

    def add(self, name, label, predicted):
        self.units += 1
        self.right += predicted == label
        raw = hashlib.sha256(f"{name}={predicted}".encode()).digest()
        self._sum += int.from_bytes(raw[:8], "big")

    def accuracy(self):
        return self.right / self.units

    def predictions(self):
        return f"{self._sum % 2**64:016x}"


def evaluate(run, args):
    with run.phase("init"):
        images = choose(dataset.read_index(args.data), args.seed, args.shard,
                        args.length * args.share)
        gpus = device.visible_gpus()
        gpu = device.open_device(args.device, Model(), gpus, args.rows, args.pinned)
        print(f"device: {gpu.statement}", file=sys.stderr, flush=True)
        run.config({"device": gpu.name, "gpus": gpus, "seed": args.seed, "shard": args.shard,
                    "length": args.length, **{name: getattr(args, name) for name in limits}})
        batches = iter(Loader(lambda place: dataset.read_image(args.data, images[place][0],
                                                               args.rows),
                              len(images), args.batch, args.workers, args.prefetch))
    result = Result()
    while True:
        with run.phase("input"):
            batch = next(batches, None)
        if batch is None:
            break
        with run.phase("h2d"):
            gpu.load(batch.pixels)
        with run.phase("host"):
            gpu.launch()
        with run.phase("compute"):
            labels = gpu.wait()
        for (name, label), predicted in zip(images[batch.first:], labels):
            result.add(name, label, predicted)
            run.sample(name)
        run.step(samples=len(labels))
    with run.phase("tail"):
        run.metric("accuracy", result.accuracy(), hib=True)
        run.work()
    return result


def main(argv):
    args = parse(argv)
    with marks.start() as run:
        try:
            result = evaluate(run, args)
        except (dataset.DataError, device.DeviceError) as error:
            sys.exit(f"eval.py: error: {error}")
    print(json.dumps({"seconds": round(time.monotonic() - started, 6), "units": result.units,
                      "quality": result.accuracy(), "predictions": result.predictions()}))


if __name__ == "__main__":
    main(sys.argv[1:])
