#!/usr/bin/env python3
"""What a million lines of accounting cost: importing them, importing them again, ranking them.

    python3 bench/accounting.py AMDAHL

bench_ledger starts it while its ledgers are there (AMDAHL_BENCH_FRESH_URL and AMDAHL_BENCH_FOLDER). Prints rows
for bench/run.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import programs
import sacct_lines

LINES = 1_000_000
SEED = 1
IMPORT_S_MAX = 30
IMPORT_MIB_MAX = 200
RANK_S_MAX = 1
RANKS = 5


def bring_in(amdahl, config, file):
    """Seconds, MiB and what it said."""
    begun = time.monotonic()
    process = subprocess.Popen([amdahl, "--config", config, "import", "sacct", "--from", file, "-o", "json"],
                               stdout=subprocess.PIPE, text=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, programs.peak_mib(process.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    if process.returncode != 0:
        sys.exit("accounting.py: the import failed")
    return seconds, peak, json.loads(process.stdout.read())


def ranked(amdahl, config):
    begun = time.monotonic()
    done = subprocess.run([amdahl, "--config", config, "rank", "-o", "json"], check=True, capture_output=True)
    return time.monotonic() - begun, json.loads(done.stdout)["fleet"]


def main():
    amdahl = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(os.environ["AMDAHL_BENCH_FOLDER"]) / "accounting"
    config = programs.configuration(folder, "AMDAHL_BENCH_FRESH_URL")
    file = folder / "sacct.txt"
    with file.open("w") as out:
        for line in sacct_lines.lines(LINES, SEED):
            out.write(line + "\n")
    first_s, first_mib, first = bring_in(amdahl, config, file)
    again_s, again_mib, again = bring_in(amdahl, config, file)
    if first["new"] != LINES - 1 or again["unchanged"] != LINES - 1:
        sys.exit(f"accounting.py: {first} {again}")
    name = f"import sacct, {LINES:,} lines"
    programs.row(name, f"{first_s:.1f} s ({again_s:.1f} s again)", f"{IMPORT_S_MAX} s",
                 max(first_s, again_s) <= IMPORT_S_MAX)
    peak = max(first_mib, again_mib)
    programs.row(f"{name}, peak memory", f"{peak:.0f} MiB", f"{IMPORT_MIB_MAX} MiB", peak <= IMPORT_MIB_MAX)
    times = []
    for _ in range(RANKS):
        seconds, fleet = ranked(amdahl, config)
        times.append(seconds)
    programs.row(f"amdahl rank of them, {fleet['families']:,} families", f"{statistics.median(times):.2f} s",
                 f"{RANK_S_MAX} s", statistics.median(times) <= RANK_S_MAX)


if __name__ == "__main__":
    main()
