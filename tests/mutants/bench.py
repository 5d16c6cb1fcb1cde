"""Builds the copy and runs single tests and the simulation in it."""

from dataclasses import dataclass
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PRESET = "mutants"  # as ci, which script/test has built before: the compiler's cache has it
BUILD_S = 1800
SIMULATION = "simulation"
# A fault may make a test hang: it may take so much longer than without the fault, and at least that.
SLOWER, LEAST_S = 10, 20


class BuildError(Exception):
    pass


@dataclass
class Run:
    ok: bool
    seconds: float
    output: str
    timed_out: bool = False
    skipped: bool = False


@dataclass
class Test:
    command: list
    environment: dict
    timeout: float
    postgres: bool
    skip_words: str


def jobs():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), memory // 1_500_000_000))


class Bench:
    def __init__(self, folder, logs):
        self.folder = pathlib.Path(folder)
        self.build_folder = self.folder / "build" / PRESET
        self.log_path = pathlib.Path(logs) / "mutants-commands.log"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log_path.write_text("")
        self.tests = {}
        self.usual_s = {}  # test → what it takes without a fault
        self.server = None

    # -- building --

    def build(self, targets):
        if not (self.build_folder / "build.ninja").exists():
            self.must("cmake", "--preset", PRESET)
        self.must("cmake", "--build", "--preset", PRESET, "-j", str(jobs()), "--target",
                  *sorted(targets))

    def must(self, *command):
        run = self.run(command, BUILD_S, {})
        if not run.ok:
            lines = run.output.splitlines()
            first = next((i for i, line in enumerate(lines)
                          if line.startswith(("FAILED", "CMake Error"))), len(lines) - 40)
            raise BuildError("\n".join(lines[max(first, 0):][:40]))

    @staticmethod
    def targets_of(names):
        """CMake targets that tests need; script tests run the programs."""
        targets = {"test_postgres"}
        for name in names:
            if name == SIMULATION:
                targets.add("amdahl")
            elif "/" in name:
                targets.add(name.partition("/")[0])
            else:
                targets |= {"amdahl", "amdahl-run"}
        return targets

    # -- tests --

    def find_tests(self):
        """What ctest knows, after a build: names, commands, environments, limits."""
        out = subprocess.run(["ctest", "--preset", PRESET, "--show-only=json-v1"], cwd=self.folder,
                             check=True, capture_output=True, text=True).stdout
        for entry in json.loads(out)["tests"]:
            if "command" not in entry:
                continue  # its program was not asked for
            values = {item["name"]: item["value"] for item in entry.get("properties", [])}
            environment = dict(word.split("=", 1) for word in values.get("ENVIRONMENT", []))
            skip = values.get("SKIP_REGULAR_EXPRESSION", [])
            self.tests[entry["name"]] = Test(
                entry["command"], environment, values.get("TIMEOUT", 600.0),
                "postgres" in values.get("FIXTURES_REQUIRED", []), skip[0] if skip else "")

    def start_server(self):
        """PostgreSQL for all tests that share one: it outlives its command."""
        start = self.tests["postgres_start"]
        self.server = pathlib.Path(start.environment["AMDAHL_TEST_PG"])
        run = self.start(start.command, 120, start.environment)
        if not run.ok:
            raise BuildError(run.output)

    def stop_server(self):
        if self.server is None:
            return
        stop = self.tests["postgres_stop"]
        self.start(stop.command, 120, stop.environment)
        if self.server.name.startswith("amdahl-pg-"):
            shutil.rmtree(self.server, ignore_errors=True)  # a template of each mutated schema
        self.server = None

    def test(self, name):
        test = self.tests[name]
        usual = self.usual_s.get(name)
        limit = test.timeout if usual is None else min(test.timeout, max(LEAST_S, SLOWER * usual))
        # What a test that is ended leaves goes too. Sockets need short paths, servers a way through.
        with tempfile.TemporaryDirectory(prefix="amdahl-mutant-", dir="/tmp",
                                         ignore_cleanup_errors=True) as scratch:
            os.chmod(scratch, 0o755)
            run = self.run(test.command, limit, {**test.environment, "TMPDIR": scratch})
        run.skipped = run.output.find(test.skip_words) >= 0 if test.skip_words else False
        return run

    # -- the simulation --

    def can_simulate(self):
        return self.run([self.build_folder / "amdahl", "simulate", "--help"], 10, {}).ok

    def simulate(self, schedules, limit_s):
        """(run, violations); violations None when it gave no answer."""
        run = self.run([self.build_folder / "amdahl", "simulate", "--seed", "1", "--schedules",
                        str(schedules), "--first", "-o", "json"], limit_s, {}, merge=False)
        try:
            return run, json.loads(run.output)["violations"]
        except (ValueError, KeyError, TypeError):
            return run, None

    # -- processes --

    def run(self, command, limit_s, environment, merge=True):
        """Nothing that it starts outlives it."""
        return self.start([sys.executable, HERE / "warden.py", *command], limit_s, environment, merge)

    def start(self, command, limit_s, environment, merge=True):
        command = [str(word) for word in command]
        started = time.monotonic()
        timed_out = False
        with open(self.log_path, "ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merge else log, start_new_session=True,
                env={**os.environ, **environment}, text=True, errors="replace")
            try:
                output, _ = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                timed_out = True
                process.terminate()
                output, _ = process.communicate()
            except BaseException:
                process.terminate()
                process.wait()
                raise
            log.write(output.encode() + f"-> {process.returncode}\n".encode())
        return Run(process.returncode == 0, time.monotonic() - started, output, timed_out)
