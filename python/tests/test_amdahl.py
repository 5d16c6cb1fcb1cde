"""The protocol as the loop reads it, and the promise never to harm the job."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest
from unittest import mock

package = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(package))
import amdahl  # noqa: E402
from amdahl import steps, transport  # noqa: E402

kinds = {
    "hello": {"t", "run", "fam", "att", "rank", "world", "host", "gpu", "pid", "fw",
              "restart_step"},
    "b": {"ph", "id", "par", "step"},
    "e": {"id"},
    "s": {"s0", "s1", "dt", "p50", "p90", "max", "wait", "h2d", "n", "tok", "new"},
    "met": {"key", "val", "step", "split", "hib"},
    "ck": {"step", "bytes", "block", "done"},
    "cfg": {"obj"},
    "note": {"code", "msg"},
    "work": {"n", "digest"},
    "bye": {"rc", "step"},
}


def strict(raw):
    """Parses as the loop does: UTF-8, no NaN."""
    def refuse(token):
        raise ValueError(token)

    return json.loads(raw.decode("utf-8", "strict"), parse_constant=refuse)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.events = os.path.join(folder.name, "events")

    def start(self, rank=0, **env):
        env.setdefault("AMDAHL_EVENTS", self.events)
        run = amdahl.start(rank=rank, environ=env)
        self.addCleanup(run.finish)
        return run

    def lines(self, kind=None):
        with open(self.events, "rb") as file:
            lines = [strict(raw) for raw in file]
        return [line for line in lines if kind in (None, line["k"])]

    def python(self, code, **env):
        """Runs `code` as a job of its own."""
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, timeout=30,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package), **env})


class Protocol(Case):
    def test_every_line_has_version_kind_sequence_and_time(self):
        with self.start() as run:
            with run.phase("init"):
                run.config({"seed": 1})
            run.step(samples=2, tokens=10, h2d=0.1, loss=0.5)
            run.metric("accuracy", 0.97, hib=True, split="val")
            run.checkpoint(bytes=10, block=0.2)
            run.note("recompile", "shape changed")
            run.work(2, "00000000000000ff")
        lines = self.lines()
        self.assertEqual([line["q"] for line in lines], list(range(len(lines))))
        self.assertEqual(sorted(line["m"] for line in lines), [line["m"] for line in lines])
        for line in lines:
            self.assertEqual(line["v"], 1)
            self.assertLessEqual(set(line) - {"v", "k", "q", "m"}, kinds[line["k"]], line)
        self.assertEqual({line["k"] for line in lines}, set(kinds))
        self.assertEqual((lines[0]["k"], lines[-1]["k"]), ("hello", "bye"))
        self.assertEqual(lines[-1]["rc"], 0)

    def test_hello_names_run_attempt_and_gpus(self):
        self.start(AMDAHL_RUN_KEY="al-abc-3", CUDA_VISIBLE_DEVICES="0, 1")
        hello = self.lines("hello")[0]
        self.assertEqual((hello["run"], hello["att"], hello["gpu"]), ("al-abc-3", 3, ["0", "1"]))

    def test_phases_nest_and_carry_integer_ids(self):
        run = self.start()
        with run.phase("eval"):
            with run.phase("input", par=True):
                pass
        outer, inner, inner_end, outer_end = self.lines()[1:]
        self.assertEqual((outer["ph"], inner["ph"]), ("eval", "input"))
        self.assertIs(type(outer["id"]), int)
        self.assertEqual((inner_end["id"], outer_end["id"]), (inner["id"], outer["id"]))
        self.assertNotIn("par", outer)
        self.assertIs(inner["par"], True)

    def test_a_phase_ends_when_its_body_raises(self):
        run = self.start()
        with self.assertRaises(KeyError):
            with run.phase("eval"):
                raise KeyError
        self.assertEqual([line["k"] for line in self.lines()], ["hello", "b", "e"])

    def test_steps_are_folded_fifty_to_a_line(self):
        run = self.start()
        for _ in range(steps.steps_max + 10):
            run.step(samples=4)
        self.assertEqual([(s["s0"], s["s1"], s["n"]) for s in self.lines("s")], [(0, 49, 200)])
        run.finish()
        self.assertEqual([(s["s0"], s["s1"]) for s in self.lines("s")], [(0, 49), (50, 59)])

    def test_steps_are_flushed_every_two_seconds(self):
        clock = mock.Mock(return_value=100.0)
        with mock.patch("amdahl.recorder._monotonic", clock):
            run = self.start()
            run.step()
            self.assertEqual(self.lines("s"), [])
            clock.return_value = 102.0
            run.step()
        line = self.lines("s")[0]
        self.assertEqual((line["s0"], line["s1"], line["dt"], line["max"]), (0, 1, 2.0, 2.0))

    def test_waiting_for_data_is_told_apart_from_the_step(self):
        clock = mock.Mock(return_value=100.0)

        def loader():
            for _ in range(2):
                clock.return_value += 0.25
                yield 1

        with mock.patch("amdahl.recorder._monotonic", clock):
            run = self.start()
            clock.return_value = 107.0  # Start-up, which belongs to no step.
            for _ in run.data(loader()):
                clock.return_value += 0.5
                run.step()
            run.finish()
        line = self.lines("s")[0]
        self.assertEqual((line["wait"], line["dt"], line["p50"]), (0.5, 1.5, 0.75))

    def test_evaluation_between_steps_is_part_of_none(self):
        clock = mock.Mock(return_value=100.0)
        with mock.patch("amdahl.recorder._monotonic", clock):
            run = self.start()
            with run.phase("eval"):
                clock.return_value = 130.0
            clock.return_value = 130.5
            run.step()
            run.finish()
        self.assertEqual(self.lines("s")[0]["dt"], 0.5)

    def test_repeated_steps_after_a_restart_get_a_line_of_their_own(self):
        run = amdahl.start(rank=0, restart_step=7, environ={"AMDAHL_EVENTS": self.events})
        run.step(new=False)
        run.step()
        run.finish()
        self.assertEqual([(s["s0"], s["new"]) for s in self.lines("s")], [(7, False), (8, True)])
        self.assertEqual(self.lines("hello")[0]["restart_step"], 7)

    def test_functions_are_called_at_the_flush_only(self):
        called = []
        run = self.start()
        for step in range(steps.steps_max - 1):
            run.step(loss=lambda step=step: called.append(step) or 0.5)
        self.assertEqual(called, [])
        run.step(loss=lambda: called.append("last") or 0.25)
        self.assertEqual(called, ["last"])
        self.assertEqual([(m["key"], m["val"]) for m in self.lines("met")], [("loss", 0.25)])

    def test_hello_is_repeated_every_minute(self):
        clock = mock.Mock(return_value=100.0)
        with mock.patch("amdahl.recorder._monotonic", clock):
            run = self.start()
            clock.return_value = 159.0
            run.note("a")
            clock.return_value = 160.0
            run.note("b")
            run.note("c")
        self.assertEqual([line["k"] for line in self.lines()],
                         ["hello", "note", "hello", "note", "note"])

    def test_work_is_proved_whatever_the_order(self):
        one, two = amdahl.WorkDigest(), amdahl.WorkDigest()
        for name in ("a", "b", "b"):
            one.add(name)
        for name in (b"b", b"a", b"b"):
            two.add(name)
        self.assertEqual((one.n, one.hexdigest()), (two.n, two.hexdigest()))
        run = self.start()
        for name in ("b", "b", "a"):
            run.sample(name)
        run.work()
        line = self.lines("work")[0]
        self.assertEqual((line["n"], line["digest"]), (3, one.hexdigest()))
        self.assertRegex(line["digest"], "^[0-9a-f]{16}$")
        two.add("c")
        self.assertNotEqual(one.hexdigest(), two.hexdigest())


class Transports(Case):
    def test_outside_the_loop_nothing_happens(self):
        for env in ({}, {"AMDAHL_EVENTS": self.events, "AMDAHL_DISABLE": "1"}):
            run = amdahl.start(environ=env)
            self.assertIs(type(run), amdahl.Run)
            batches = [1, 2]
            self.assertIs(run.data(batches), batches)
            with run, run.phase("init"):
                run.step(samples=1, loss=self.fail)
                run.metric("accuracy", 1.0)
                run.sample("a")
                run.work()
        self.assertFalse(os.path.exists(self.events))

    def test_a_socket_gets_a_datagram_a_line(self):
        address = os.path.join(self.folder, "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(address)
            server.settimeout(5)
            run = self.start(AMDAHL_EVENTS="", AMDAHL_SOCKET=address)
            run.note("a")
            self.assertEqual([strict(server.recv(5000))["k"] for _ in range(2)], ["hello", "note"])
            for _ in range(5000):  # More than a socket holds: dropped, not waited for.
                run.note("b")
        run.note("nobody there any more")

    def test_stdout_lines_are_marked_and_survive_the_jobs_own(self):
        done = self.python("""
            import amdahl
            run = amdahl.start()
            print("scored 600")
            run.note("a")
        """, AMDAHL_EVENTS_STDOUT="1")
        marked = [raw[8:] for raw in done.stdout.splitlines() if raw.startswith(b"@amdahl ")]
        self.assertEqual([strict(raw)["k"] for raw in marked], ["hello", "note", "bye"])
        self.assertIn(b"scored 600", done.stdout.splitlines())

    def test_a_full_stdout_pipe_is_not_waited_for(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        job = subprocess.Popen(
            [sys.executable, "-c", "import amdahl\nrun = amdahl.start()\n"
             "for _ in range(5000): run.note('a' * 100)"], stdout=write,
            env={"AMDAHL_EVENTS_STDOUT": "1", "PYTHONPATH": str(package)})
        os.close(write)
        self.assertEqual(job.wait(timeout=30), 0)

    def test_ranks_other_than_zero_are_silent_unless_asked(self):
        self.assertIs(type(self.start(rank=1)), amdahl.Run)
        self.assertIs(type(amdahl.start(environ={"AMDAHL_EVENTS": self.events, "RANK": "2"})),
                      amdahl.Run)
        run = self.start(rank=3, AMDAHL_ALL_RANKS="1", WORLD_SIZE="4")
        run.finish()
        self.events += ".3"
        self.assertEqual((self.lines()[0]["rank"], self.lines()[0]["world"]), (3, 4))

    def test_starting_twice_is_one_run(self):
        run = self.start()
        self.assertIs(self.start(), run)
        self.assertEqual(len(self.lines("hello")), 1)

    def test_each_line_is_one_write_of_bounded_size(self):
        written = []
        with mock.patch.object(transport.os, "write",
                               lambda fd, raw: written.append(raw) or len(raw)):
            run = self.start(AMDAHL_RUN_KEY="\x01" * 500, CUDA_VISIBLE_DEVICES="\x01" * 5000)
            run.note("\x01" * 9000, "\U0001f600" * 9000)
            run.metric("\x01" * 9000, 1, split="\x01" * 9000)
            run.config({f"key{n}": "\"" * 900 for n in range(20)})
            run.config({"one": ["\x01" * 1000] * 200})
            with run.phase("\x01" * 9000):
                pass
        for raw in written:
            self.assertLessEqual(len(raw), transport.line_bytes_max)
            self.assertEqual(raw.count(b"\n"), 1)
        lines = [strict(raw) for raw in written]
        self.assertEqual([line["q"] for line in lines], list(range(len(lines))))
        merged = {key for line in lines if line["k"] == "cfg" for key in line["obj"]}
        self.assertEqual(merged, {"one", *(f"key{n}" for n in range(20))})


class Harmless(Case):
    def test_values_that_json_cannot_hold_become_null_or_text(self):
        class Hostile:
            def __str__(self):
                raise RuntimeError

            __float__ = __len__ = __str__

        circle = []
        circle.append(circle)
        run = self.start()
        odd = [float("nan"), float("inf"), Hostile(), "x", None, 10**5000, 1j, b"a", circle]
        for value in odd:
            run.metric("accuracy", value)
            run.config({"value": value, 3: {"deep": value}})
            run.note(value, value)
            run.step(samples=value, loss=value)
            run.work(value, value)
        run.config(None)
        run.sample(None)
        run.data(None)
        run.phase(None).__enter__()
        run.phase(["unhashable"]).__enter__()
        run.metric("\ud800", 1)
        run.step(loss=lambda: 1 / 0)
        run.finish("x")
        self.assertEqual([line["val"] for line in self.lines("met")[:2]], [None, None])
        self.assertEqual(self.lines()[-1]["k"], "bye")

    def test_numbers_of_other_libraries_are_numbers(self):
        class Scalar:
            def __float__(self):
                return 0.5

        run = self.start()
        run.metric("accuracy", Scalar())
        self.assertEqual(self.lines("met")[0]["val"], 0.5)

    def test_a_path_that_cannot_be_opened_makes_a_silent_run(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for path in (self.folder, os.path.join(self.folder, "no", "such"), pipe, "\0"):
            self.assertIs(type(self.start(AMDAHL_EVENTS=path)), amdahl.Run)
        self.assertIs(type(self.start(AMDAHL_EVENTS="", AMDAHL_SOCKET=pipe)), amdahl.Run)

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_a_full_disk_costs_lines_only(self):
        run = self.start(AMDAHL_EVENTS="/dev/full")
        run.note("a")
        run.finish()

    def test_a_line_cut_by_a_full_disk_does_not_spoil_the_next(self):
        run = self.start()
        write = os.write
        with mock.patch.object(transport.os, "write", lambda fd, raw: write(fd, raw[:9])):
            run.note("torn")
        run.note("whole")
        with open(self.events, "rb") as file:
            torn, whole = file.read().splitlines()[1:]
        self.assertEqual(torn, b'{"v":1,"k')
        self.assertEqual(strict(whole)["code"], "whole")

    def test_a_closed_descriptor_is_never_written_to_again(self):
        self.python("""
            import amdahl, os
            run = amdahl.start()
            os.closerange(3, 64)
            mine = open(os.environ["MINE"], "w")
            run.note("a")
            run.finish()
            mine.write("mine")
        """, AMDAHL_EVENTS=self.events, MINE=os.path.join(self.folder, "mine"))
        with open(os.path.join(self.folder, "mine")) as file:
            self.assertEqual(file.read(), "mine")

    def test_a_mark_from_a_signal_handler_does_not_wait_for_itself(self):
        run = self.start()
        signal.signal(signal.SIGALRM, lambda *_: run.note("signal"))
        self.addCleanup(signal.signal, signal.SIGALRM, signal.SIG_DFL)
        with run._lock:
            signal.raise_signal(signal.SIGALRM)
        self.assertEqual(len(self.lines("note")), 1)

    def test_threads_keep_the_sequence_whole(self):
        import threading
        run = self.start()
        threads = [threading.Thread(target=lambda: [run.note("a") for _ in range(200)])
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([line["q"] for line in self.lines()], list(range(801)))

    def test_forked_workers_are_silent(self):
        done = self.python("""
            import amdahl, multiprocessing
            run = amdahl.start()
            def work(_):
                run.note("old"); amdahl.start().note("new")
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(work, range(4))
        """, AMDAHL_EVENTS=self.events)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual([line["k"] for line in self.lines()], ["hello", "bye"])


class End(Case):
    def end(self, code):
        done = self.python("import amdahl\nrun = amdahl.start()\n" + textwrap.dedent(code),
                           AMDAHL_EVENTS=self.events)
        return done.returncode, self.lines()[-1]

    def test_the_end_is_told_at_exit(self):
        self.assertEqual(self.end("")[1]["k"], "bye")

    def test_a_traceback_is_told(self):
        self.assertEqual(self.end("1 / 0")[1]["rc"], 1)

    def test_an_exit_status_nobody_can_see_is_unknown(self):
        self.assertIsNone(self.end("raise SystemExit(3)")[1]["rc"])

    def test_with_sees_the_exit_status(self):
        code, last = self.end("with run: raise SystemExit(3)")
        self.assertEqual((code, last["rc"]), (3, 3))
        self.assertEqual(self.end("with run: raise SystemExit")[1]["rc"], 0)
        self.assertEqual(self.end("with run: raise SystemExit('why')")[1]["rc"], 1)

    def test_nothing_follows_the_end(self):
        run = self.start()
        run.finish(0)
        run.note("late")
        run.step()
        run.finish(1)
        self.assertEqual([line["k"] for line in self.lines()], ["hello", "bye"])


if __name__ == "__main__":
    unittest.main()
