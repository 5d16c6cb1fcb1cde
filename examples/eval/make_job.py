#!/usr/bin/env python3
"""Writes job.toml, with the knobs under names that the seed shuffles."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import dataset
from knobs import knobs, letters, naming

here = pathlib.Path(__file__).resolve().parent
code = ["eval.py", "dataset.py", "device.py", "knobs.py", "loader.py", "marks.py", "model.py",
        "device_cuda.py", "prototypes.json", "score.ptx"]

template = """\
# Written by make_job.py: seed {seed}. What each knob does is in knobs.py.
[job]
name = "eval-digits"
cluster = {cluster}
command = {command}
workdir = {workdir}
code = {code}
dataset = "uci-digits-1998"
[job.env]
EVAL_DATA = {data}
EVAL_DEVICE = {device}
PYTHONPATH = {python}
PYTHONHASHSEED = "0"
[job.resources]
nodes = 1
gpus = {gpus}
cpus = 2
memory = "1GiB"
time_limit = "1m"
[job.measure]
unit = "sample"
units = "event"
quality = "event"
window = "leg"
[job.quality]
metric = "accuracy"
higher_is_better = true
margin = 0.005
[job.limits]
memory = "+25%"
[job.production]
runs_per_month = 1200
"""


def quoted(value):
    # JSON's strings and lists of strings are TOML's too.
    return json.dumps(value, ensure_ascii=False)


def command(seed, meaning):
    # The interpreter itself: a launcher in front of it would be part of every measurement.
    words = [sys.executable, "eval.py", "--naming", str(seed)]
    for letter in letters:
        if meaning[letter] != "gpus":
            words += [f"--knob-{letter}", f"{{knob_{letter}}}"]
    return words + ["--seed", "{seed}", "--shard", "{shard}", "--length", "{length}"]


def knob_table(letter, name):
    knob = knobs[name]
    lines = [f"[knob.knob_{letter}]", f"class = {quoted(knob.phase)}"]
    if name == "gpus":
        lines.append('resource = "gpus"')
    lines += [f"baseline = {knob.baseline}", f"values = [{knob.variant}]"]
    return "\n".join(lines) + "\n"


def choose_device(wanted):
    """Once for all runs of the job: an arm that chose by itself could choose otherwise."""
    if wanted != "auto":
        return wanted
    if not os.path.exists("/dev/nvidiactl"):
        return "emulated"
    try:
        trial = subprocess.run([sys.executable, str(here / "device_cuda.py")], timeout=60,
                               capture_output=True, text=True)
        if trial.returncode == 0:
            return "cuda"
        why = trial.stderr.strip()
    except subprocess.TimeoutExpired:
        why = "a trial of the GPU did not end within 60 s"
    print(f"make_job.py: the GPU is not used: {why}", file=sys.stderr)
    return "emulated"


def job_file(seed, data, cluster, device):
    meaning = naming(seed)
    head = template.format(
        seed=seed, cluster=quoted(cluster), command=quoted(command(seed, meaning)),
        workdir=quoted(str(here)), code=quoted(code), data=quoted(str(data)),
        device=quoted(device), python=quoted(str(here.parent.parent / "python")),
        gpus=knobs["gpus"].baseline)
    return head + "".join(knob_table(letter, meaning[letter]) for letter in letters)


def main():
    parser = argparse.ArgumentParser(description="Write the job file of this example.")
    parser.add_argument("--seed", type=int, required=True, help="which knob gets which name")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where job.toml goes")
    parser.add_argument("--data", required=True, metavar="FOLDER", help="written by prepare.py")
    parser.add_argument("--cluster", default="local")
    parser.add_argument("--device", choices=["auto", "cuda", "emulated"], default="auto",
                        help="auto: CUDA where a trial of it works (default)")
    args = parser.parse_args()
    data, out = pathlib.Path(args.data).absolute(), pathlib.Path(args.out)
    try:
        dataset.read_index(data)
        device = choose_device(args.device)
        out.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a reader may be waiting for it.
        draft = out / f".job.toml.{os.getpid()}"
        draft.write_text(job_file(args.seed, data, args.cluster, device), encoding="utf-8")
        draft.rename(out / "job.toml")
    except (dataset.DataError, OSError) as error:
        sys.exit(f"make_job.py: error: {error}")
    print(out / "job.toml")


if __name__ == "__main__":
    main()
