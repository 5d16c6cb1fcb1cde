#!/usr/bin/env python3
"""Measures baseline and champion without the loop, and writes the report amdahl.demo/v1."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

legs_each = 3
leg_limit_s = 120


def ask(amdahl, config, *words):
    """One read of the ledger through the CLI, as any program would do it."""
    done = subprocess.run([amdahl, "--config", config, *words, "-o", "json"],
                          stdout=subprocess.PIPE, check=True, text=True, timeout=60)
    return json.loads(done.stdout)


def executable(configuration):
    """What a stranger needs to run it: command, environment, folder, GPUs."""
    command = list(configuration["command"])
    command[0] = shutil.which(command[0]) or command[0]
    gpus = int(configuration["gpus"])
    env = dict(configuration["env"])
    env["CUDA_VISIBLE_DEVICES"] = ",".join(str(slot) for slot in range(gpus))
    return {"command": command, "env": env, "workdir": configuration["workdir"], "gpus": gpus}


def measure(arm, launcher):
    """One fresh leg, outside the loop: its own last line says what it did."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "SLURM_CONF") if name in os.environ}
    env = {"HOME": "/", **env, **arm["env"]}
    words = launcher.replace("{gpus}", str(arm["gpus"])).split()
    done = subprocess.run(words + arm["command"], cwd=arm["workdir"], env=env, stdout=subprocess.PIPE,
                          check=True, text=True, timeout=leg_limit_s)
    leg = json.loads(done.stdout.strip().splitlines()[-1])
    leg["gpu_seconds_per_unit"] = arm["gpus"] * leg["seconds"] / leg["units"]
    return leg


def knob_names(spec):
    """(kind, name) of a change → the name that the knob has in the job file."""
    names = {}
    for knob in spec["knobs"]:
        kind = "resource" if knob["resource"] else "env" if knob["env"] else "arg"
        names[kind, knob["resource"] or knob["env"] or knob["name"]] = knob["name"]
    return names


def verdicts(experiments, knobs):
    rows = []
    for row in experiments:
        if row["kind"] == "canary" or row["outcome"] is None:
            continue
        knob = knobs.get((row["change"][0]["kind"], row["change"][0].get("name", "")))
        rows.append({"hypothesis": row["change"], "knob": knob, "experiment": row["name"],
                     "verdict": row["outcome"],
                     "pairs": row["pairs_complete"], "votes": {"uphold": row["upholds"], "refute": row["refutes"]},
                     "reason": row["reason"]})
    return rows


def all_experiments(amdahl, config):
    rows, cursor = [], None
    while True:
        page = ask(amdahl, config, "experiments", "--limit", "200", *(["--cursor", str(cursor)] if cursor else []))
        rows += page["experiments"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--amdahl", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--job", required=True)
    parser.add_argument("--out", help="where to write the report; default: only the summary is printed")
    parser.add_argument("--launcher", default="", metavar="WORDS",
                        help="what starts a leg, like 'srun --gres=gpu:{gpus}'; default: nothing, it runs here")
    arguments = parser.parse_args()

    champion = ask(arguments.amdahl, arguments.config, "champion", arguments.job)
    experiments = all_experiments(arguments.amdahl, arguments.config)
    bank = ask(arguments.amdahl, arguments.config, "bank")
    spec = ask(arguments.amdahl, arguments.config, "jobs", "show", arguments.job)["spec"]
    arms = {name: executable(champion[name]) for name in ("baseline", "champion")}
    legs = {name: [measure(arm, arguments.launcher) for _ in range(legs_each)] for name, arm in arms.items()}
    cost = {name: statistics.median(leg["gpu_seconds_per_unit"] for leg in legs[name]) for name in arms}
    report = {
        "schema": "amdahl.demo/v1",
        "baseline": arms["baseline"],
        "champion": arms["champion"],
        "saving": 1 - cost["champion"] / cost["baseline"],
        "quality_margin": champion["quality_margin"],
        "verdicts": verdicts(experiments, knob_names(spec)),
        "gpu_hours": {key: bank[key] for key in ("banked_gpu_hours", "spent_gpu_hours", "net_gpu_hours")},
        "pairs": sum(row["pairs_complete"] for row in experiments),
        "measured": legs,
    }
    if arguments.out:
        draft = pathlib.Path(arguments.out + ".draft")
        draft.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(arguments.out)
    summarise(report, champion)
    return 0


def summarise(report, champion):
    base, best = (statistics.median(leg["seconds"] for leg in report["measured"][name])
                  for name in ("baseline", "champion"))
    same = len({leg["predictions"] for legs in report["measured"].values() for leg in legs}) == 1
    print(f"\nbaseline   {base:6.2f} s on {report['baseline']['gpus']} GPU slots"
          f"\nchampion   {best:6.2f} s on {report['champion']['gpus']} GPU slots"
          f"   {base / best:.1f}x as fast, {report['saving']:.1%} fewer GPU-hours per sample"
          f"\n           medians of {legs_each} fresh legs each, run without the loop; "
          f"predictions {'the same' if same else 'DIFFER'}")
    wins = [row for row in report["verdicts"] if row["verdict"] == "win"]
    hours = report["gpu_hours"]
    print(f"verdicts   {len(report['verdicts'])}, of them {len(wins)} wins, from {report['pairs']} pairs"
          f"\nGPU-hours  {hours['banked_gpu_hours']:.6f} banked, {hours['spent_gpu_hours']:.6f} spent on tests,"
          f" {hours['net_gpu_hours']:+.6f} net")
    print("           Only hours really run with the change are banked; the champion ran as production once.")


if __name__ == "__main__":
    sys.exit(main())
