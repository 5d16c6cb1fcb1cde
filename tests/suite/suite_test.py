"""What script/test counts, and that nothing that failed is counted as anything else."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ahead import Ahead
import main
import stages
from counts import Counts, from_junit
from shell import Shell

HERE = pathlib.Path(__file__).resolve().parent


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

    def bench(self):
        return stages.Bench(self.folder, self.folder / "logs", 1, {})


class Junit(Folder):
    def ctest(self, tests):
        self.write("CTestTestfile.cmake", tests)
        subprocess.run(["ctest", "--output-junit", "j.xml"], cwd=self.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return from_junit(self.folder / "j.xml")

    def test_passes_failures_and_skips_are_told_apart(self):
        counts = self.ctest("""
            add_test(passes true)
            add_test(fails sh -c "echo because; exit 1")
            add_test(skips sh -c "exit 77")
            set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)
            add_test(disabled true)
            set_tests_properties(disabled PROPERTIES DISABLED TRUE)""")
        self.assertEqual(str(counts), "1 passed, 1 failed, 2 skipped")
        self.assertEqual(counts.failures, [("fails", "because\n")])

    def test_a_program_that_was_not_built_failed(self):
        self.assertEqual(str(self.ctest("add_test(a a_NOT_BUILT)")),
                         "0 passed, 1 failed, 0 skipped")

    def test_crashes_and_timeouts_failed(self):
        counts = self.ctest("""
            add_test(crashes sh -c "kill -SEGV $$")
            add_test(hangs sleep 9)
            set_tests_properties(hangs PROPERTIES TIMEOUT 1)""")
        self.assertEqual(counts.failed, 2)

    def test_output_that_is_not_text_does_not_hide_the_counts(self):
        counts = self.ctest(r"""add_test(noisy sh -c "printf '\\001\\033[1m\\377'; exit 1")""")
        self.assertEqual(counts.failed, 1)


class Python(Folder):
    def run_file(self, text):
        self.write("tests/suite/unittest_file.py", (HERE / "unittest_file.py").read_text())
        self.write("tests/a_test.py", "import unittest\n" + text)
        return stages.python(self.bench())

    def test_cases_are_counted_one_by_one(self):
        counts = self.run_file("""
class A(unittest.TestCase):
    def test_a(self): pass
    def test_b(self): self.fail("because")
    @unittest.skip("no GPU")
    def test_c(self): pass
    @unittest.expectedFailure
    def test_d(self): pass
""")
        self.assertEqual(str(counts), "1 passed, 2 failed, 1 skipped")
        self.assertIn("because", counts.failures[0][1])

    def test_a_file_that_does_not_load_failed(self):
        self.assertEqual(str(self.run_file("import nothing_of_this_name")),
                         "0 passed, 1 failed, 0 skipped")

    def test_a_file_that_ends_the_process_failed(self):
        self.assertEqual(self.run_file("import os; os._exit(0)").failed, 1)

    def test_a_file_without_a_test_failed(self):
        self.assertEqual(self.run_file("").failed, 1)


class Headers(Folder):
    def test_a_header_that_does_not_compile_alone_is_named(self):
        self.write("include/amdahl/core/good.hpp", "")
        self.write("include/amdahl/core/bad.hpp", "")
        self.write("include/amdahl/core/worse.hpp", "")
        bench = self.bench()
        log = "".join(f"[{i}/3] Building\nFAILED: CMakeFiles/headers_core.dir/headers/amdahl/core/{name}.hpp.cpp.o\n{why}\n"
                      for i, (name, why) in enumerate((("bad", "why"), ("worse", "another why"))))
        with self.shell_that_prints(log, 1):
            counts = stages.headers(bench)
        self.assertEqual(str(counts), "1 passed, 2 failed, 0 skipped")
        self.assertEqual(counts.failures, [("amdahl/core/bad.hpp compiles alone", "why"),
                                           ("amdahl/core/worse.hpp compiles alone", "another why")])

    @contextlib.contextmanager
    def shell_that_prints(self, text, status):
        def run(shell, *_, **__):
            shell.log_path.write_text(text)
            return status
        original, Shell.run = Shell.run, run
        try:
            yield
        finally:
            Shell.run = original


class Sum(Folder):
    def whole(self, *results):
        """Output and exit status of script/test with these stages."""
        def stage(number, counts):
            return stages.Stage(f"s{number}", "", lambda bench: counts)
        original, main.STAGES = main.STAGES, tuple(
            stage(number, counts) for number, counts in enumerate(results))
        output = io.StringIO()
        try:
            with contextlib.redirect_stdout(output):
                status = main.main([])
        finally:
            main.STAGES = original
        return output.getvalue(), status

    def test_the_last_line_is_the_sum(self):
        output, status = self.whole(Counts(3, 0, 1), Counts(4, 0, 0))
        self.assertEqual(output.splitlines()[-1], "7 passed, 0 failed, 1 skipped")
        self.assertEqual(status, 0)

    def test_one_failure_fails_the_whole_and_is_shown(self):
        output, status = self.whole(Counts(3), Counts.failure("build ci", "error: no"), Counts(1))
        self.assertEqual(output.splitlines()[-1], "4 passed, 1 failed, 0 skipped")
        self.assertIn("error: no", output)
        self.assertEqual(status, 1)

    def test_an_unknown_stage_is_a_usage_error(self):
        with self.assertRaises(SystemExit) as raised, contextlib.redirect_stderr(io.StringIO()):
            main.main(["--only", "nonesuch"])
        self.assertEqual(raised.exception.code, 2)


class DoneAhead(Folder):
    def test_works_are_done_in_turn_and_a_stage_waits_for_its_own_alone(self):
        begun, may_end, done = threading.Event(), threading.Event(), []

        def work(name):
            begun.set()
            self.assertTrue(may_end.wait(30))
            done.append(name)
            return name.upper()

        ahead = Ahead({name: lambda name=name: work(name) for name in ("mutants", "asan")})
        self.assertIsNone(ahead.take("mutants"))  # nothing is under way: no reason to wait
        ahead.start()
        ahead.start()
        self.assertTrue(begun.wait(30))
        self.assertIsNone(ahead.take("ci"))
        self.assertEqual(done, [])
        may_end.set()
        self.assertEqual(ahead.take("asan"), "ASAN")
        self.assertEqual(done, ["mutants", "asan"])

    def test_after_a_stop_nothing_begins(self):
        done = []
        ahead = Ahead({"asan": lambda: (done.append("asan"), ahead.stop()), "tsan": lambda: done.append("tsan")})
        ahead.start()
        self.assertIsNone(ahead.take("tsan"))
        self.assertEqual(done, ["asan"])

    def test_with_full_what_is_done_whole_has_a_time_of_its_own(self):
        bench = stages.Bench(pathlib.Path("/"), self.folder, 1, {})
        names = ["fuzz", "mutants", "asan"]
        with mock.patch.dict(os.environ), mock.patch.object(stages, "parallel_jobs", lambda builds=1: 1):
            os.environ.pop(stages.FULL, None)
            self.assertEqual(list(stages.ahead_of(bench, names).works), names)
            os.environ[stages.FULL] = "1"
            self.assertEqual(list(stages.ahead_of(bench, names).works), ["asan"])

    def test_a_stage_done_beside_another_is_not_run_again(self):
        ran = []
        stage = stages.Stage("mutants", "", lambda bench: ran.append(bench) or Counts(passed=1), early="whole")
        bench = stages.Bench(None, None, 1, {}, Ahead({"mutants": lambda: Counts(passed=2)}))
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(main.run(stage, bench).passed, 1)  # in its turn
            bench.ahead.start()
            self.assertEqual(main.run(stage, bench).passed, 2)
        self.assertEqual(len(ran), 1)


class Commands(Folder):
    def test_what_runs_in_the_background_gets_what_others_leave(self):
        is_idle = "i=0; until chrt -p $$ | grep -q IDLE; do i=$((i+1)); [ $i -lt 500 ] || exit 1; done"
        self.assertEqual(Shell(self.folder / "a", in_the_background=True).run("sh", "-c", is_idle), 0)

    def test_a_missing_command_is_127_and_a_failing_one_its_status(self):
        shell = Shell(self.folder / "log")
        self.assertEqual(shell.run("/nonexistent/command"), 127)
        self.assertEqual(shell.run("sh", "-c", "echo out; exit 3"), 3)
        self.assertIn("out", shell.text())

    def test_the_compilers_words_are_found_in_a_long_log(self):
        log = "[1/9] ok\n" * 500 + "FAILED: a.o\nerror: because\n" + "[2/9] ok\n" * 500
        words = stages.compiler_words(log)
        self.assertTrue(words.startswith("FAILED: a.o\nerror: because"))
        self.assertLess(len(words.splitlines()), 100)


if __name__ == "__main__":
    unittest.main()
