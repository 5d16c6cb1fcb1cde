"""script/mutants: one fault at a time in a copy of the code; some test must notice each."""

import argparse
import datetime
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

from bench import SIMULATION, Bench, BuildError
import faults
import page
from tree import Busy, Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEDULES = 500  # most faults in what the simulation runs show in far fewer
SIMULATION_S = 300


def arguments(words):
    parser = argparse.ArgumentParser(prog="script/mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME[,NAME...]")
    parser.add_argument("--pick", type=int, metavar="N", help="N mutants, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the same as -o json, there")
    parser.add_argument("--write-page", action="store_true",
                        help="keep what was found in docs/crash-matrix.md")
    parser.add_argument("--time-limit", type=float, metavar="S",
                        help="begin no mutant later; those looked at longest ago come first")
    parser.add_argument("--schedules", type=int, default=SCHEDULES, metavar="N",
                        help=f"of the simulation, for each mutant ({SCHEDULES})")
    return parser.parse_args(words)


def choose(chosen, mutants, results):
    names = [name.strip() for words in chosen.only for name in words.split(",")]
    by_name = {mutant.name: mutant for mutant in mutants}
    for name in names:
        if name not in by_name:
            raise faults.ListError(f"no mutant `{name}`: script/mutants --list names them")
    picked = [by_name[name] for name in dict.fromkeys(names)] or list(mutants)
    if chosen.pick is not None:
        picked = random.Random(chosen.seed).sample(picked, min(chosen.pick, len(picked)))
    if chosen.time_limit is not None:
        def age(mutant):
            result = results.get(mutant.name)
            return result["date"] if page.is_current(result, mutant) else ""
        picked.sort(key=age)
    return picked


def say(text):
    print(text, file=sys.stderr, flush=True)


class Hunt:
    def __init__(self, tree, bench, schedules):
        self.tree = tree
        self.bench = bench
        self.schedules = schedules
        self.simulates = False

    def prepare(self, mutants):
        """Without a fault everything that a mutant names must pass, or it proves nothing."""
        say("  ..  building without a fault")
        self.tree.refresh()
        for mutant in mutants:
            faults.apply(mutant, self.tree.read)  # the whole list is right before anything runs
        names = list(dict.fromkeys(name for mutant in mutants for name in mutant.tests))
        simulated = any(mutant.simulated for mutant in mutants)
        self.bench.build(Bench.targets_of(names + ([SIMULATION] if simulated else [])))
        self.bench.find_tests()
        missing = [name for name in names if name not in self.bench.tests]
        if missing:
            raise faults.ListError(f"there is no test {', '.join(missing)}")
        self.bench.start_server()
        for name in names:
            run = self.bench.test(name)
            if run.skipped:
                raise faults.ListError(f"{name} is skipped here, so it proves nothing")
            if not run.ok:
                raise BuildError(f"{name} fails without a fault:\n{tail(run.output)}")
            self.bench.usual_s[name] = run.seconds
        self.simulates = simulated and self.bench.can_simulate()
        if self.simulates:
            run, violations = self.bench.simulate(self.schedules, SIMULATION_S)
            if violations != 0:
                raise BuildError(f"the simulation without a fault: {tail(run.output)}")

    def look_at(self, mutant):
        started = time.monotonic()
        result = {"mutant": mutant.name, "caught": False, "test": None, "by_simulation": False,
                  "simulated": mutant.simulated and self.simulates, "timed_out": False, "error": None}
        try:
            self.tree.mutate(faults.apply(mutant, self.tree.read))
            names = list(mutant.tests) + ([SIMULATION] if result["simulated"] else [])
            self.bench.build(Bench.targets_of(names))
            if result["simulated"]:
                self.simulate(result)
            for name in mutant.tests:
                run = self.bench.test(name)
                if not run.ok:
                    result.update(caught=True, test=name, timed_out=run.timed_out)
                    break
        except BuildError as problem:
            result["error"] = f"it does not build, which proves nothing:\n{problem}"
        finally:
            self.tree.restore()
        result["seconds"] = round(time.monotonic() - started, 1)
        return result

    def simulate(self, result):
        run, violations = self.bench.simulate(self.schedules, SIMULATION_S)
        if violations:
            result.update(caught=True, test=SIMULATION, by_simulation=True)
        elif violations is None:
            say(f"      the simulation gave no answer: {tail(run.output, 3)}")


def tail(text, lines=30):
    return "\n".join(text.rstrip().splitlines()[-lines:])


def commit():
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True,
                              check=False).stdout.strip()
    return git("rev-parse", "--short=10", "HEAD") + ("+" if git("status", "--porcelain") else "")


def hunt(chosen, mutants, results):
    """Results of the chosen mutants, and the names of those that there was no time for."""
    picked = choose(chosen, mutants, results)
    started = time.monotonic()
    tree = Tree(ROOT, ROOT / "build/mutants/tree")
    bench = Bench(tree.folder, ROOT / "build/logs")
    found, left_out = [], []
    revision = commit()
    try:
        search = Hunt(tree, bench, chosen.schedules)
        search.prepare(picked)
        for number, mutant in enumerate(picked, 1):
            if chosen.time_limit is not None and time.monotonic() - started > chosen.time_limit:
                left_out = [mutant.name for mutant in picked[number - 1:]]
                break
            result = search.look_at(mutant)
            found.append(result)
            mark = " ok " if result["caught"] else "MISS"
            if result["error"]:
                say(f"BAD   {number:2}/{len(picked)}  {mutant.name}: {result['error']}")
                continue
            say(f"{mark}  {number:2}/{len(picked)}  {result['seconds']:5.1f} s  {mutant.name}: "
                f"{seen_by(result)}")
            results[mutant.name] = {
                **{key: result[key] for key in ("caught", "test", "by_simulation", "seconds")},
                "digest": mutant.digest(), "commit": revision,
                "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")}
            if chosen.write_page:  # a run that is ended keeps what it found
                page.write_results(results, mutants)
                page.write_page(results, mutants)
    finally:
        bench.stop_server()
    return found, left_out


def seen_by(result):
    if result["error"]:
        return "it does not build"
    if not result["caught"]:
        return "no test notices"
    words = ["simulation"] if result["by_simulation"] else []
    if result["test"] != SIMULATION:
        words.append(result["test"] + (" (did not end)" if result["timed_out"] else ""))
    return "; ".join(words)


def show(found, left_out, chosen):
    caught = sum(result["caught"] for result in found)
    answer = {"schema": "amdahl.mutants/v1", "mutants": found, "caught": caught,
              "missed": len(found) - caught,
              "by_simulation": sum(result["by_simulation"] for result in found),
              "left_out": left_out}
    text = json.dumps(answer, indent=1, ensure_ascii=False)
    if chosen.json:
        chosen.json.write_text(text + "\n", "utf-8")
    if chosen.output == "json":
        print(text)
        return
    width = max((len(result["mutant"]) for result in found), default=6)
    for result in found:
        print(f"{'caught' if result['caught'] else 'MISSED'}  {result['mutant']:{width}}  "
              f"{seen_by(result)}")
    print(f"{caught} of {len(found)} caught, {answer['by_simulation']} by simulation alone"
          + (f"; no time for {len(left_out)}" if left_out else ""))


def main(words):
    chosen = arguments(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        mutants = faults.load()
        if chosen.list:
            for mutant in mutants:
                print(f"{mutant.name}: {mutant.what}")
            return 0
        results = page.read_results()
        found, left_out = hunt(chosen, mutants, results)
    except (faults.ListError, BuildError, Busy) as problem:
        print(f"script/mutants: {problem}", file=sys.stderr)
        return 2
    show(found, left_out, chosen)
    if any(result["error"] for result in found):
        return 2
    return 0 if all(result["caught"] for result in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
