"""Runs simulated schedules and adds one dated row to docs/simulation-tally.md: what was really run."""

import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/simulation-tally.md"
ROW = re.compile(r"^\| \d{4}-\d\d-\d\d \| `[0-9a-f]+` \| \d+ \| (\d+) \|", re.M)


def commit():
    done = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=PAGE.parent,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "0"


def simulate(binary, seed, schedules):
    """The report of `amdahl simulate`, violations included."""
    done = subprocess.run([binary, "simulate", "--seed", str(seed), "--schedules", str(schedules),
                           "-o", "json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 8):
        raise RuntimeError(f"amdahl simulate ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def row(report, day, revision):
    return (f"| {day} | `{revision}` | {report['seed']} | {report['schedules']} | {report['crashes']} "
            f"| {report['stalls']} | {report['seam_calls']} | {report['violations']} |\n")


def total(text):
    return sum(int(match[1]) for match in ROW.finditer(text))


def add(report, page=PAGE):
    """Appends the row and renews the sum above the table."""
    text = page.read_text()
    text = text.rstrip("\n") + "\n" + row(report, datetime.date.today().isoformat(), commit())
    text = re.sub(r"\*\*[\d,]+ schedules\*\*", f"**{total(text):,} schedules**", text, count=1)
    page.write_text(text)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--schedules", type=int, required=True)
    chosen = parser.parse_args(words)
    report = simulate(chosen.binary, chosen.seed, chosen.schedules)
    add(report)
    print(json.dumps(report, indent=1))
    return 8 if report["violations"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
