"""The stages of script/test. Each takes a Bench and answers Counts; none names a test program."""

import concurrent.futures
from dataclasses import dataclass, replace
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from ahead import Ahead
from counts import Counts, from_junit
from shell import Shell
import tally

COMPILER_BYTES = 1_500_000_000  # The largest of our sources needs 1.2 GB to compile.
FUZZ_SECONDS = 15  # of each target; what slow ones leave of the million is made up by the fastest
FULL = "AMDAHL_TEST_FULL"  # in the environment: suites do all that they can
MUTANTS = 5  # of the list, chosen by the commit
MUTANTS_FULL_S = 1800
SCHEDULES = 10_000
SCHEDULES_FULL = 100_000
TSAN_ASLR_BITS = 28  # More randomness than this and g++ 12's tsan finds its memory taken.


def parallel_jobs(builds=1):
    """Of each of so many builds at once."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), memory // builds // COMPILER_BYTES))


@dataclass
class Bench:
    """Where a stage works."""
    source: pathlib.Path
    logs: pathlib.Path
    jobs: int
    built: dict  # preset → whether it built
    ahead: Ahead | None = None
    in_the_background: bool = False

    def shell(self, name):
        return Shell(self.logs / f"{name}.log", in_the_background=self.in_the_background)


def without_aslr(preset):
    """A prefix for sanitized programs where the kernel spreads addresses too widely for them."""
    if preset not in ("asan", "tsan", "fuzz"):
        return []
    try:
        bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text())
    except (OSError, ValueError):
        bits = TSAN_ASLR_BITS
    prefix = ["setarch", "-R"]
    if bits <= TSAN_ASLR_BITS or subprocess.call([*prefix, "true"], stderr=subprocess.DEVNULL):
        return []
    return prefix


def run_build(bench, shell, preset):
    return (shell.run("cmake", "--preset", preset) or
            shell.run(*without_aslr(preset), "cmake", "--build", "--preset", preset, "-j", bench.jobs))


def ahead_of(bench, names):
    """Does of these stages what can be done before their turn, once it is started."""
    beside = replace(bench, in_the_background=True)

    def work_of(stage):
        if stage.early == "whole":
            return lambda: stage.run(beside)
        return lambda: run_build(beside, beside.shell(f"{stage.name}-ahead"), stage.name)

    def early(stage):
        # What has all the time there is would have it while others take the machine.
        return stage.early and stage.name in names and not (stage.early == "whole" and FULL in os.environ)

    # Its compilers stand beside those of the stage that waits.
    room = parallel_jobs(2) >= bench.jobs
    return Ahead({stage.name: work_of(stage) for stage in STAGES if room and early(stage)})


def build(bench, shell, preset):
    """Counts(failed=1) with the compiler's words when it fails, else nothing."""
    if bench.ahead:
        bench.ahead.take(preset)
    failed = run_build(bench, shell, preset)
    bench.built[preset] = not failed
    return Counts.failure(f"build {preset}", compiler_words(shell.text())) if failed else Counts()


def compiler_words(text):
    """What failed, from a log that has hundreds of lines about what did not."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines)
                  if line.startswith(("FAILED", "CMake Error"))), len(lines) - 60)
    return "\n".join(lines[max(first, 0):][:80])


def ctest(bench, shell, preset):
    junit = bench.logs / f"{preset}.junit.xml"
    junit.unlink(missing_ok=True)
    # Two more than there are cores: the long ones wait for clocks and schedulers most of their time.
    status = shell.run(*without_aslr(preset), "ctest", "--preset", preset, "-j", bench.jobs + 2,
                       "--output-junit", junit)
    counts = from_junit(junit) if junit.exists() else Counts()
    if status and not counts.failed:
        counts += Counts.failure(f"ctest --preset {preset} (status {status})", shell.tail())
    return counts


def preset_stage(preset):
    def stage(bench):
        shell = bench.shell(preset)
        counts = build(bench, shell, preset)
        return counts if counts.failed else ctest(bench, shell, preset)
    return stage


def headers(bench):
    """Each public header compiles alone; each counts as a test."""
    shell = bench.shell("headers")
    status = shell.run("cmake", "--build", "--preset", "ci", "-j", bench.jobs,
                       "--target", "headers", "--", "-k", "0")
    total = sum(1 for _ in (bench.source / "include").glob("amdahl/*/*.hpp"))
    broken = re.findall(r"^FAILED: .*?/headers/(amdahl/\S+?)\.cpp\.o(.*?)(?=^\[|\Z)", shell.text(), re.M | re.S)
    counts = Counts(passed=total - len(broken))
    for header, words in broken:
        counts += Counts.failure(f"{header} compiles alone", "\n".join(words.strip().splitlines()[:40]))
    if status and not broken:
        counts += Counts.failure("headers", shell.tail())
    return counts


def python(bench):
    """Every *_test.py and test_*.py below tests, python and examples, each in a process of its own; those of
    tests/integration and tests/slurm are ctest's."""
    files = sorted(path for folder in ("tests", "python", "examples")
                   for path in (bench.source / folder).rglob("*.py")
                   if (path.name.startswith("test_") or path.name.endswith("_test.py"))
                   and path.parent.name not in ("integration", "slurm"))
    with concurrent.futures.ThreadPoolExecutor(bench.jobs) as pool:
        try:
            return sum(pool.map(lambda path: python_file(bench, path), files), Counts())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            Shell.stop_all()
            raise


def python_file(bench, path):
    name = str(path.relative_to(bench.source))
    shell = bench.shell(f"python/{name.replace('/', '.')}")
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        status = shell.run(sys.executable, bench.source / "tests/suite/unittest_file.py",
                           path, answer.name, environment={
                               "PYTHONPATH": str(bench.source / "python"),
                               "AMDAHL_SOURCE_DIR": str(bench.source),
                               "AMDAHL_BINARY_DIR": str(bench.source / "build/ci")})
        text = answer.read()
    counts = Counts(**json.loads(text)) if text else Counts()
    if not counts.failed and (status or not text):
        counts += Counts.failure(name, shell.tail())
    elif counts.failed:
        counts.failures = [(name, shell.tail())]
    return counts


def style(bench):
    """Formatting; the rules of tests/tidy run as a test under ctest."""
    shell = bench.shell("style")
    if shell.run("script/format", "--check"):
        return Counts.failure("script/format --check (script/format repairs it)", shell.tail(30))
    return Counts(passed=1)


def lint(bench):
    shell = bench.shell("lint")
    if shell.run("script/lint", "--all"):
        return Counts.failure("script/lint --all", shell.tail())
    return Counts(passed=1)


def slurm_full(bench):
    """Tests on real Slurm daemons that are too long for every run."""
    return ctest(bench, bench.shell("slurm-full"), "slurm-full")


def fuzz(bench):
    """The targets together execute at least a million inputs; each counts as a test. With --full slow targets
    have longer for their share."""
    shell = bench.shell("fuzz")
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        limit = [] if FULL in os.environ else ["--seconds", FUZZ_SECONDS]
        status = shell.run(*without_aslr("fuzz"), "script/fuzz", *limit, "--json", answer.name)
        text = answer.read()
    if not text:
        return Counts.failure("script/fuzz", compiler_words(shell.text()))
    counts = Counts()
    for target in json.loads(text):
        counts += (Counts(passed=1) if target["ok"]
                   else Counts.failure(f"fuzz {target['name']}", target["output"]))
    if status and not counts.failed:
        counts += Counts.failure("script/fuzz", shell.tail())
    return counts


def commit_seed(bench):
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=bench.source, capture_output=True,
                          text=True, check=False).stdout
    return int(head[:7] or "1", 16) % 1_000_000


def mutants(bench):
    """Faults in the code, each of which some test must notice; each counts as a test. With --full
    all that there is time for, and what was found is kept in docs/crash-matrix.md."""
    shell = bench.shell("mutants")
    full = FULL in os.environ
    which = (["--write-page", "--time-limit", MUTANTS_FULL_S] if full
             else ["--pick", MUTANTS, "--seed", commit_seed(bench)])
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        status = shell.run("script/mutants", *which, "--json", answer.name)
        text = answer.read()
    if not text:
        return Counts.failure("script/mutants", shell.tail())
    counts = Counts()
    for mutant in json.loads(text)["mutants"]:
        counts += (Counts(passed=1) if mutant["caught"]
                   else Counts.failure(f"no test notices the mutant `{mutant['mutant']}`", shell.tail()))
    if status and not counts.failed:
        counts += Counts.failure("script/mutants", shell.tail())
    return counts


def simulation(bench):
    """Simulated schedules with a seed that changes with the commit, on the program that is shipped. With
    --full more of them, counted in docs/simulation-tally.md."""
    shell = bench.shell("simulation")
    counts = build(bench, shell, "release")
    if counts.failed:
        return counts
    full = FULL in os.environ
    try:
        report = tally.simulate(bench.source / "build/release/amdahl", commit_seed(bench),
                                SCHEDULES_FULL if full else SCHEDULES)
    except (RuntimeError, ValueError) as problem:
        return Counts.failure("amdahl simulate", str(problem))
    if full:
        tally.add(report)
    for violation in report["violation_list"]:
        counts += Counts.failure(f"simulation, seed {violation['seed']}: {violation['invariant']}",
                                 "\n".join([violation["what"], *violation["schedule"]]))
    whole = report["schedules"] == (SCHEDULES_FULL if full else SCHEDULES)
    return counts if counts.failed else (
        Counts(passed=1) if whole else Counts.failure("amdahl simulate", f"only {report['schedules']} schedules"))


def demo(bench):
    """script/demo from an empty ledger, with a seed that changes with the commit: interrupted, killed,
    gone on with, and once more, when it must only report again."""
    shell = bench.shell("demo")
    sys.path.insert(0, str(bench.source / "tests/demo"))
    from interruption import interrupt, kill
    from outcome import problems

    seed = commit_seed(bench)
    counts = build(bench, shell, "release")
    if counts.failed:
        return counts
    bench.ahead.start()  # it mostly waits for its jobs
    with tempfile.TemporaryDirectory(prefix="amdahl-demo-", dir="/var/tmp") as home:
        os.chmod(home, 0o755)  # PostgreSQL's service user must get through
        report = pathlib.Path(home) / "report.json"
        command = ["script/demo", "--yes", "--seed", seed, "--report", report]
        state = {"AMDAHL_DEMO_HOME": f"{home}/state"}
        for end in (interrupt, kill):
            with open(shell.log_path, "ab") as log:
                found = end(command, state["AMDAHL_DEMO_HOME"], seed, {**shell.environment, **state}, log)
            counts += (Counts.failure(f"demo {end.__name__}, seed {seed}", "\n".join(found) + "\n" + shell.tail())
                       if found else Counts(passed=1))
        for turn in ("gone on", "again"):
            report.unlink(missing_ok=True)
            status = shell.run(*command, environment=state)
            found = ([f"exit status {status}"] if status else []) + (
                problems(json.loads(report.read_text()), seed) if report.exists() else ["no report"])
            counts += (Counts.failure(f"demo {turn}, seed {seed}", "\n".join(found) + "\n" + shell.tail())
                       if found else Counts(passed=1))
    return counts


@dataclass(frozen=True)
class Stage:
    name: str
    what: str
    run: object
    needs: str = ""  # the preset without which it says nothing
    full: bool = False  # only with --full
    early: str = ""  # what of it can be done beside one that waits: the `build` of its preset, or the `whole`


STAGES = (
    Stage("style", "formatting", style),
    Stage("ci", "the programs as they are shipped; chaos, Slurm, simulation, docs", preset_stage("ci")),
    Stage("headers", "each public header compiles alone", headers, needs="ci"),
    Stage("python", "the Python tests", python, needs="ci"),
    Stage("demo", "script/demo to its outcome, seed by commit", demo, "ci"),
    Stage("fuzz", "a million inputs for the parsers", fuzz, "ci", early="whole"),
    Stage("simulation", "10,000 simulated schedules, seed by commit", simulation, "ci"),
    Stage("mutants", "faults put into the code, chosen by the commit", mutants, "ci", early="whole"),
    Stage("asan", "unit, integration and conformance tests, address and undefined", preset_stage("asan"), "ci", early="build"),
    Stage("tsan", "tests that have threads, data races", preset_stage("tsan"), "ci", early="build"),
    Stage("slurm-full", "every fault on real Slurm, and the laws on Debian 13's", slurm_full, "ci", full=True),
    Stage("lint", "clang-tidy over every source", lint, full=True),
)
