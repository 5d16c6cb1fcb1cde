"""What a demo's report must show, whichever knob its seed gave which name (issue: the demo)."""

import importlib.util
import pathlib

source = pathlib.Path(__file__).resolve().parents[2]
pairs_max = 110
hypotheses_max = 7
saving_min = 0.75
fixes = ("workers", "batch", "gpus")


def naming(seed):
    """Neutral name → what the knob really is, as the example permutes them."""
    spec = importlib.util.spec_from_file_location("knobs", source / "examples/eval/knobs.py")
    knobs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(knobs)
    return {f"knob_{letter}": meaning for letter, meaning in knobs.naming(seed).items()}


def knob_of(row, names):
    return names.get(row["knob"], "no knob")


def problems(report, seed):
    """Sentences about what is not as it must be; empty when all is well."""
    names = naming(seed)
    rows = {knob_of(row, names): row for row in report["verdicts"]}
    found = []

    def must(holds, what):
        if not holds:
            found.append(what)

    must(report["schema"] == "amdahl.demo/v1", f"schema is {report['schema']}")
    must(report["saving"] >= saving_min, f"the saving is {report['saving']:.3f}, below {saving_min}")
    must(report["pairs"] <= pairs_max, f"{report['pairs']} pairs, at most {pairs_max}")
    must(len(report["verdicts"]) <= hypotheses_max, f"{len(report['verdicts'])} hypotheses")
    must(set(rows) == set(names.values()), f"verdicts for {sorted(rows)}, knobs {sorted(set(names.values()))}")
    digests = {leg["predictions"] for legs in report["measured"].values() for leg in legs}
    must(len(digests) == 1, f"predictions differ: {sorted(digests)}")
    wins = [knob for knob, row in rows.items() if row["verdict"] == "win"]
    must(len(wins) >= 2, f"wins: {wins}")
    must(set(wins) <= set(fixes), f"a knob that is no fix won: {wins}")
    for knob, row in rows.items():
        must(row["pairs"] >= 3, f"{knob}: {row['pairs']} pairs")
        must(bool(row["reason"]), f"{knob}: no reason")
    for knob, verdict, word in (("rows", "refuted", "quality"), ("prefetch", "refuted", "exit 1")):
        row = rows.get(knob, {"verdict": "missing", "reason": ""})
        must(row["verdict"] == verdict and word in row["reason"],
             f"{knob}: {row['verdict']}, {row['reason']}")
    must(report["gpu_hours"]["banked_gpu_hours"] > 0, "nothing is banked")
    return found
