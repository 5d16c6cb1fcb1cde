"""The list fits the code, a copy is brought back after each fault, and only real runs are shown."""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bench as benches
import faults
from faults import Edit, ListError, Mutant
import page
import run
from tree import Busy, Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


def mutant(name="m", edits=(Edit("src/a.cpp", "one", "two"),), tests=("p/t",), simulated=False):
    return Mutant(name, "what", tuple(edits), tuple(tests), simulated)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class List(Folder):
    def test_every_fault_fits_the_code_as_it_is(self):
        for fault in faults.load():
            with self.subTest(fault.name):
                faults.apply(fault, lambda path: (ROOT / path).read_text("utf-8"))

    def test_every_test_that_is_named_exists(self):
        sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.[ch]pp")]
        words = re.sub(r'"\s*\n\s*"', "", "\n".join(sources))
        scripts = set(re.findall(r"amdahl_script_test\(\s*(\w+)", "\n".join(
            path.read_text("utf-8") for path in (ROOT / "tests").rglob("CMakeLists.txt"))))
        for fault in faults.load():
            for name in fault.tests:
                with self.subTest(name):
                    _, slash, case = name.partition("/")
                    self.assertTrue(f'"{case}"' in words if slash else name in scripts)

    def test_an_edit_that_matches_twice_or_never_is_refused_by_name(self):
        for text, times in (("one one", 2), ("none of it".replace("one", "1"), 0)):
            with self.assertRaisesRegex(ListError, f"m: its text occurs {times} times in src/a.cpp"):
                faults.apply(mutant(), lambda path, text=text: text)

    def test_an_entry_whose_file_is_gone_is_refused_by_name(self):
        with self.assertRaisesRegex(ListError, "m: src/a.cpp: No such file"):
            faults.apply(mutant(), lambda path: (self.folder / path).read_text())

    def test_edits_of_one_file_add_up(self):
        both = mutant(edits=(Edit("src/a.cpp", "one", "1"), Edit("src/a.cpp", "two", "2")))
        self.assertEqual(faults.apply(both, lambda path: "one two"), {"src/a.cpp": "1 2"})

    def entry(self, text):
        self.write("list/a.toml", "[[mutant]]\nname='m'\nwhat='w'\n" + text)
        return faults.load(self.folder / "list")

    def test_a_broken_entry_names_its_file(self):
        with self.assertRaisesRegex(ListError, "a.toml"):
            self.entry("tests=['p/t']\n")

    def test_a_fault_in_a_test_or_in_nothing_is_none(self):
        edit = "[[mutant.edit]]\nfile='{}'\nold='a'\nnew='{}'\n"
        with self.assertRaisesRegex(ListError, "not the product's code"):
            self.entry("tests=['p/t']\n" + edit.format("tests/a.cpp", "b"))
        with self.assertRaisesRegex(ListError, "changes nothing"):
            self.entry("tests=['p/t']\n" + edit.format("src/a.cpp", "a"))
        with self.assertRaisesRegex(ListError, "nothing is named"):
            self.entry("tests=[]\n" + edit.format("src/a.cpp", "b"))

    def test_two_entries_of_one_name_are_refused(self):
        edit = "[[mutant.edit]]\nfile='src/a'\nold='a'\nnew='b'\n"
        with self.assertRaisesRegex(ListError, "two mutants"):
            self.entry(f"tests=['p/t']\n{edit}[[mutant]]\nname='m'\nwhat='w'\ntests=['p/t']\n{edit}")


class Copy(Folder):
    def setUp(self):
        super().setUp()
        self.write("source/src/a.cpp", "one\n")
        self.write("source/src/b.cpp", "b\n")
        self.write("source/.gitignore", "/build/\n")
        self.write("source/build/junk", "")
        subprocess.run(["git", "init", "--quiet"], cwd=self.folder / "source", check=True)
        self.copy = self.folder / "source/build/mutants/tree"

    def tree(self):
        return Tree(self.folder / "source", self.copy)

    def test_it_holds_what_git_knows_and_nothing_that_is_gone(self):
        tree = self.tree()
        tree.refresh()
        self.assertEqual((self.copy / "src/a.cpp").read_text(), "one\n")
        self.assertFalse((self.copy / "build").exists())
        (self.folder / "source/src/b.cpp").unlink()
        tree.refresh()
        self.assertFalse((self.copy / "src/b.cpp").exists())

    def test_a_fault_is_taken_back_and_then_newer_than_what_was_built_of_it(self):
        tree = self.tree()
        tree.refresh()
        path = self.copy / "src/a.cpp"
        tree.mutate({"src/a.cpp": "two\n"})
        self.assertEqual(path.read_text(), "two\n")
        os.utime(path, (1, 1))
        tree.restore()
        self.assertEqual(path.read_text(), "one\n")
        self.assertGreater(path.stat().st_mtime, 1)
        self.assertEqual((self.folder / "source/src/a.cpp").read_text(), "one\n")

    def test_what_did_not_change_keeps_its_time_and_the_next_run_undoes_what_a_killed_one_left(self):
        tree = self.tree()
        tree.refresh()
        for name in ("a", "b"):
            os.utime(self.copy / f"src/{name}.cpp", (1, 1))
        tree.mutate({"src/a.cpp": "two\n"})
        os.utime(self.copy / "src/a.cpp", (1, 1))
        tree.lock.close()  # as by SIGKILL
        self.tree().refresh()
        self.assertEqual((self.copy / "src/a.cpp").read_text(), "one\n")
        self.assertGreater((self.copy / "src/a.cpp").stat().st_mtime, 1)
        self.assertEqual((self.copy / "src/b.cpp").stat().st_mtime, 1)

    def test_two_runs_in_one_checkout_are_refused(self):
        first = self.tree()
        with self.assertRaises(Busy):
            self.tree()
        first.lock.close()
        self.tree()


class Programs(Folder):
    def bench(self):
        return benches.Bench(self.folder, self.folder / "logs")

    def test_what_a_command_leaves_in_a_session_of_its_own_ends_with_it(self):
        left = self.folder / "left"
        done = self.bench().run(["sh", "-c", f"setsid sh -c 'echo $$ > {left}; exec sleep 600' & "
                                 f"until test -s {left}; do :; done; exit 3"], 60, {})
        self.assertFalse(done.ok)
        self.assertFalse(pathlib.Path(f"/proc/{left.read_text().strip()}").exists())

    def test_a_command_that_does_not_end_is_ended_and_said_to_have_timed_out(self):
        begun = time.monotonic()
        done = self.bench().run(["sh", "-c", "setsid sleep 600 & sleep 600"], 1, {})
        self.assertTrue(done.timed_out)
        self.assertLess(time.monotonic() - begun, 60)

    def test_orphans_are_collected_while_the_command_runs(self):
        done = self.bench().run(
            ["sh", "-c", "sh -c 'true & echo $! > pid' ; until ! test -e /proc/$(cat pid); do :; done"],
            60, {})
        self.assertTrue(done.ok, done.output)


class FakeBench:
    """Tests fail as `failing` says; the simulation finds `violations`."""

    def __init__(self, failing=(), violations=0, skipped=(), simulates=True, broken_build=False):
        self.failing, self.violations, self.skipped = failing, violations, skipped
        self.simulates, self.broken_build = simulates, broken_build
        self.tests, self.usual_s, self.asked = {"p/t": 1, "p/u": 1}, {}, []
        self.faulty = False

    def build(self, targets):
        if self.broken_build and self.faulty:
            raise benches.BuildError("error: no")

    def find_tests(self):
        pass

    def start_server(self):
        pass

    def can_simulate(self):
        return self.simulates

    def simulate(self, schedules, limit_s):
        return benches.Run(True, 1, ""), self.violations if self.faulty else 0

    def test(self, name):
        self.asked.append(name)
        return benches.Run(not (self.faulty and name in self.failing), 1, "", False,
                           name in self.skipped)


class FakeTree:
    def __init__(self, bench):
        self.bench = bench

    def refresh(self):
        pass

    def read(self, path):
        return "one"

    def mutate(self, texts):
        self.bench.faulty = True

    def restore(self):
        self.bench.faulty = False


class Looking(unittest.TestCase):
    def look(self, fault, **how):
        self.bench = FakeBench(**how)
        hunt = run.Hunt(FakeTree(self.bench), self.bench, 10)
        with contextlib.redirect_stderr(io.StringIO()):
            hunt.prepare([fault])
            self.bench.asked = []
            return hunt.look_at(fault)

    def test_the_first_test_that_fails_is_named_and_the_rest_is_left_out(self):
        result = self.look(mutant(tests=("p/t", "p/u")), failing=("p/t", "p/u"))
        self.assertEqual((result["caught"], result["test"]), (True, "p/t"))
        self.assertEqual(self.bench.asked, ["p/t"])

    def test_what_no_test_notices_is_missed(self):
        result = self.look(mutant(tests=("p/t", "p/u")))
        self.assertEqual((result["caught"], result["test"]), (False, None))

    def test_violations_of_the_simulation_alone_are_enough(self):
        result = self.look(mutant(simulated=True), violations=3)
        self.assertEqual((result["caught"], result["test"], result["by_simulation"]),
                         (True, "simulation", True))

    def test_only_what_the_simulation_runs_is_given_to_it(self):
        self.assertFalse(self.look(mutant(), violations=3)["by_simulation"])
        self.assertFalse(self.look(mutant(simulated=True), violations=3, simulates=False)["caught"])

    def test_a_fault_that_does_not_build_proves_nothing(self):
        result = self.look(mutant(), broken_build=True)
        self.assertFalse(result["caught"])
        self.assertIn("does not build", result["error"])
        self.assertFalse(self.bench.faulty)

    def test_a_test_that_fails_or_is_skipped_without_a_fault_proves_nothing(self):
        with self.assertRaisesRegex(ListError, "skipped"):
            self.look(mutant(), skipped=("p/t",))
        with self.assertRaisesRegex(ListError, "there is no test"):
            self.look(mutant(tests=("p/nothing",)))


class Choosing(unittest.TestCase):
    def choose(self, *words, results=None):
        mutants = [mutant(name) for name in "abcdefgh"]
        chosen = run.choose(run.arguments(words), mutants, results or {})
        return "".join(fault.name for fault in chosen)

    def test_a_seed_picks_the_same_and_another_seed_others(self):
        self.assertEqual(self.choose("--pick", "3", "--seed", "7"), self.choose("--pick", "3", "--seed", "7"))
        picks = {self.choose("--pick", "3", "--seed", str(seed)) for seed in range(9)}
        self.assertGreater(len(picks), 1)

    def test_names_choose_and_an_unknown_one_is_refused(self):
        self.assertEqual(self.choose("--only", "b,a", "--only", "c"), "bac")
        with self.assertRaisesRegex(ListError, "no mutant `x`"):
            self.choose("--only", "x")

    def test_with_a_time_limit_those_looked_at_longest_ago_come_first(self):
        results = {name: {"digest": mutant(name).digest(), "date": f"2026-01-0{day}"}
                   for name, day in zip("abcdefg", (3, 1, 2, 3, 3, 3, 3))}
        self.assertEqual(self.choose("--time-limit", "9", results=results)[:3], "hbc")


class Page(Folder):
    RESULT = {"caught": True, "test": "p/t", "by_simulation": True, "digest": mutant().digest()}

    def text(self, results, before=""):
        return page.page_text(before, results, [mutant()])

    def test_it_shows_what_was_found_and_keeps_what_others_wrote(self):
        before = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
        self.assertEqual(self.text({"m": self.RESULT}, before),
                         f"before\n{page.BEGIN}\n| mutant | caught | test |\n|---|---|---|\n"
                         f"| m | yes | simulation; p/t |\n{page.END}\nafter\n")

    def test_what_was_found_of_another_fault_is_not_shown(self):
        self.assertIn("| m | not run yet | |", self.text({"m": {**self.RESULT, "digest": "other"}}))
        self.assertIn("| m | not run yet | |", self.text({}))

    def test_a_page_without_its_lines_is_not_written_over(self):
        with self.assertRaises(ValueError):
            self.text({}, "somebody's page")

    def test_the_page_of_the_repository_is_that_of_the_results(self):
        mutants = faults.load()
        text = page.PAGE.read_text("utf-8")
        self.assertEqual(page.page_text(text, page.read_results(), mutants), text,
                         "script/mutants --write-page writes it")


if __name__ == "__main__":
    unittest.main()
