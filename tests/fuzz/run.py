"""Runs every libFuzzer program in build/fuzz/fuzz from its corpus, and counts the executions."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/fuzz/fuzz"
CORPUS = ROOT / "tests/fuzz/corpus"
INPUT_BYTES = 4096
INPUT_SECONDS = 10  # One input that takes longer is a finding.
OUTPUT_LINES = 60
MAKE_UP_SECONDS = 1200  # The fastest target may take as long for what slow ones leave.


def arguments(words):
    parser = argparse.ArgumentParser(prog="script/fuzz")
    parser.add_argument("--runs", type=int, default=1_050_000, help="all targets together")
    parser.add_argument("--seconds", type=int, default=300, help="limit for each target; the fastest makes up what slow ones leave")
    parser.add_argument("--keep", action="store_true", help="add what is new to the corpus")
    parser.add_argument("--json", type=pathlib.Path, help="write the outcome of each target here")
    parser.add_argument("target", nargs="*")
    return parser.parse_args(words)


def executions(output):
    """libFuzzer says `Done N runs in S second(s)`, and `stat::number_of_executed_units: N`."""
    found = re.findall(r"^(?:Done|stat::number_of_executed_units:)\s+(\d+)", output, re.M)
    return max(map(int, found), default=0)


def fuzz(name, runs, seconds, keep):
    found = ROOT / "build/fuzz/found" / name
    crashes = ROOT / "build/fuzz/crashes" / name
    corpus = CORPUS / name
    for folder in (found, crashes, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    # New inputs go to the first folder named.
    folders = [corpus, found] if keep else [found, corpus]
    command = [PROGRAMS / name, *folders, f"-runs={runs}", f"-max_total_time={seconds}",
               f"-max_len={INPUT_BYTES}", f"-timeout={INPUT_SECONDS}", "-rss_limit_mb=2048",
               f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-verbosity=1"]
    dictionary = CORPUS.parent / f"{name}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    started = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    return {"name": name, "ok": done.returncode == 0, "runs": executions(done.stdout),
            "seconds": time.monotonic() - started,
            "output": "\n".join(done.stdout.splitlines()[-OUTPUT_LINES:])}


def rounds(names, wanted, seconds, keep, run=fuzz):
    """Shares the executions out evenly; what slow targets leave is made up by the fastest."""
    workers = len(os.sched_getaffinity(0))
    share = -(-wanted // len(names))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(lambda name: run(name, share, seconds, keep), names))
    total = sum(result["runs"] for result in results)
    if total < wanted and all(result["ok"] for result in results):
        fastest = max(results, key=lambda result: result["runs"] / result["seconds"])
        more = run(fastest["name"], wanted - total, MAKE_UP_SECONDS, keep)
        fastest.update(ok=more["ok"], runs=fastest["runs"] + more["runs"], output=more["output"])
    return results


def main(words):
    chosen = arguments(words)
    built = (PROGRAMS / "targets.txt").read_text().split()
    names = chosen.target or built
    if not names or set(names) - set(built):
        print(f"script/fuzz: no target {' '.join(set(names) - set(built))}: there are {built}")
        return 2
    results = rounds(names, chosen.runs, chosen.seconds, chosen.keep)
    total = sum(result["runs"] for result in results)
    enough = total >= chosen.runs
    for result in results:
        print(f"{'ok  ' if result['ok'] else 'FAIL'}  {result['name']:24} {result['runs']:>9} runs")
        if not result["ok"]:
            print(result["output"])
    print(f"{total} executions, {chosen.runs} wanted")
    if chosen.json:
        # After a crash there are fewer, and the crash is what to look at.
        if not enough and all(result["ok"] for result in results):
            results.append({"name": f"all targets: {total} executions of {chosen.runs}",
                            "ok": False, "runs": total, "output": "too slow: raise MAKE_UP_SECONDS"})
        chosen.json.write_text(json.dumps(results))
    return 0 if enough and all(result["ok"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
