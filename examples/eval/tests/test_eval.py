"""What the example promises, on a short shard; times are measured in bench/eval_planted.py."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

example = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(example))
import dataset  # noqa: E402
import device  # noqa: E402
import knobs  # noqa: E402

short = ["--length", "0.35"]  # 140 images: beyond the staging area's 128.


def read_lines(events):
    return [json.loads(line) for line in events.read_text().splitlines()]


def python(script, *words, folder=example, **env):
    return subprocess.run(
        [sys.executable, str(folder / script), *map(str, words)], capture_output=True, text=True,
        timeout=60, env={"PATH": os.environ["PATH"], **env})


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.data = cls.folder / "data"
        python("prepare.py", cls.data).check_returncode()

    def evaluate(self, *words, gpus="0,1,2,3", **env):
        return python("eval.py", "--data", self.data, "--workers", 2, "--batch", 32, *words,
                      CUDA_VISIBLE_DEVICES=gpus, **env)

    def answer(self, *words, **env):
        done = self.evaluate(*words, **env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])


class Work(Case):
    def test_the_answer_has_the_promised_fields_and_a_real_accuracy(self):
        answer = self.answer()
        self.assertEqual(list(answer), ["seconds", "units", "quality", "predictions"])
        self.assertGreater(answer["seconds"], 0)
        self.assertEqual(answer["units"], 400)
        self.assertGreater(answer["quality"], 0.95)
        self.assertLess(answer["quality"], 0.99)
        self.assertRegex(answer["predictions"], "^[0-9a-f]{16}$")

    def test_every_true_fix_does_the_same_work(self):
        def work(*words, **env):
            answer = self.answer(*short, *words, **env)
            return answer["units"], answer["quality"], answer["predictions"]

        expected = work("--workers", 0, "--batch", 1)
        for words in ([], ["--workers", 0], ["--workers", 3, "--batch", 7], ["--pinned", 1]):
            self.assertEqual(work(*words), expected, words)
        for gpus in ("0", "0,1", "GPU-a,GPU-b,GPU-c", ""):
            self.assertEqual(work(gpus=gpus), expected, gpus)

    def test_seeds_change_the_order_and_shards_the_images(self):
        first = self.answer("--seed", 1)
        self.assertEqual(self.answer("--seed", 2)["predictions"], first["predictions"])
        others = [self.answer("--shard", shard)["predictions"] for shard in (0, 1, 2, 3)]
        self.assertEqual(len(set(others)), 3)
        self.assertEqual(others[3], others[0])

    def test_twice_the_length_is_twice_the_work(self):
        once, twice = self.answer(), self.answer("--length", 2)
        self.assertEqual((twice["units"], twice["quality"]), (2 * once["units"], once["quality"]))
        doubled = int(once["predictions"], 16) * 2 % 2**64
        self.assertEqual(int(twice["predictions"], 16), doubled)

    def test_half_the_rows_cost_more_accuracy_than_the_margin(self):
        for shard in range(3):
            whole, half = (self.answer("--shard", shard, "--rows", rows) for rows in (8, 4))
            self.assertEqual(whole["units"], half["units"])
            self.assertNotEqual(whole["predictions"], half["predictions"])
            self.assertGreater(whole["quality"] - half["quality"], 0.02)

    def test_a_prefetch_beyond_the_staging_area_crashes_part_way(self):
        for words in ([], ["--workers", 0], ["--batch", 1]):
            events = self.folder / "crash"
            events.unlink(missing_ok=True)
            done = self.evaluate(*short, "--prefetch", 256, *words, AMDAHL_EVENTS=str(events),
                                 PYTHONPATH=str(example.parent.parent / "python"))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("Traceback", done.stderr)
            self.assertTrue(done.stderr.strip().splitlines()[-1].startswith("IndexError"))
            lines = read_lines(events)
            self.assertEqual((lines[-1]["k"], lines[-1]["rc"]), ("bye", 1))
            self.assertGreater(sum(line.get("n", 0) for line in lines), 0)


class Events(Case):
    def test_the_loop_is_told_phases_work_and_quality(self):
        events = self.folder / "events"
        answer = self.answer(*short, AMDAHL_EVENTS=str(events))
        lines = read_lines(events)
        kinds = collections.Counter(line["k"] for line in lines)
        self.assertEqual((lines[0]["k"], lines[-1]["k"], lines[-1]["rc"]), ("hello", "bye", 0))
        self.assertEqual(kinds["b"], kinds["e"])
        phases = collections.Counter(line["ph"] for line in lines if line["k"] == "b")
        self.assertEqual(phases, {"init": 1, "input": 6, "h2d": 5, "host": 5, "compute": 5,
                                  "tail": 1})
        work, = [line for line in lines if line["k"] == "work"]
        self.assertEqual(work["n"], answer["units"])
        quality, = [line for line in lines if line["k"] == "met"]
        self.assertEqual((quality["key"], quality["val"], quality["hib"]),
                         ("accuracy", answer["quality"], True))
        self.assertEqual(sum(line["n"] for line in lines if line["k"] == "s"), answer["units"])
        told, = [line["obj"] for line in lines if line["k"] == "cfg"]
        self.assertEqual((told["device"], told["gpus"]), ("emulated", 4))

    def test_equal_work_has_an_equal_digest_in_any_order(self):
        digests = set()
        for seed, rows in ((1, 8), (2, 4)):
            events = self.folder / f"events-{seed}"
            self.answer("--seed", seed, "--rows", rows, AMDAHL_EVENTS=str(events))
            digests |= {line["digest"] for line in read_lines(events) if line["k"] == "work"}
        self.assertEqual(len(digests), 1)

    def test_the_job_runs_without_the_package(self):
        alone = self.folder / "alone" / "examples" / "eval"
        shutil.copytree(example, alone)
        done = python("eval.py", "--data", self.data, "--length", 0.01, folder=alone,
                      AMDAHL_EVENTS=str(self.folder / "none"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.folder / "none").exists())

    def test_the_emulation_says_so(self):
        self.assertIn("emulated", self.evaluate("--length", 0.01).stderr)


class BadInput(Case):
    def assert_error(self, done, code, *words):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_arguments_name_what_is_wrong(self):
        for words, said in [
            (["--batch", 0], "batch is 0"),
            (["--batch", "many"], "--batch"),
            (["--batch", 96, "--prefetch", 8], "at most prefetch"),
            (["--workers", -1], "workers is -1"),
            (["--rows", 5], "rows is 5"),
            (["--length", 0], "length is 0"),
            (["--length", "nan"], "length is nan"),
            (["--share", 0], "share is 0"),
            (["--shard", -1], "shard is -1"),
            (["--knob-a", 1], "--naming"),
            (["--nonsense"], "--nonsense"),
        ]:
            self.assert_error(self.evaluate(*words), 2, said)

    def test_the_gpu_knob_is_not_an_argument(self):
        letter = next(letter for letter, knob in knobs.naming(5).items() if knob == "gpus")
        self.assert_error(self.evaluate("--naming", 5, f"--knob-{letter}", 2), 2,
                          "CUDA_VISIBLE_DEVICES")

    def test_missing_data_name_the_command_that_makes_them(self):
        self.assert_error(python("eval.py"), 2, "EVAL_DATA")
        nowhere = self.folder / "nowhere"
        for script, words in (("eval.py", ["--data", nowhere]),
                              ("make_job.py", ["--seed", 1, "--out", nowhere, "--data", nowhere])):
            self.assert_error(python(script, *words), 1, f"prepare.py {nowhere}")
        self.assertFalse(nowhere.exists())

    def test_a_damaged_image_is_named(self):
        damaged = self.folder / "damaged"
        shutil.copytree(self.data, damaged)
        for content in (b"", b"P5\n8 8\n16\n", dataset.header + b"\xff" * 64):
            for image in damaged.glob("*.pgm"):
                image.write_bytes(content)
            for workers in (0, 2):
                done = python("eval.py", "--data", damaged, "--workers", workers)
                self.assert_error(done, 1, ".pgm", "prepare.py")
        (damaged / "index.csv").write_text("digit-0001.pgm\n")
        self.assert_error(python("eval.py", "--data", damaged), 1, "index.csv")

    def test_gpus_are_counted_whatever_the_scheduler_writes(self):
        for value, gpus in [("", 1), (" ", 1), (",,", 1), ("0", 1), ("0,1", 2), ("0,0", 1),
                            ("GPU-5b, GPU-6c", 2), (",".join(map(str, range(100))), 64)]:
            self.assertEqual(device.visible_gpus({"CUDA_VISIBLE_DEVICES": value}), gpus, value)
        self.assertEqual(device.visible_gpus({}), 1)


class Prepare(Case):
    def test_a_second_call_changes_nothing(self):
        before = {path: path.stat().st_mtime_ns for path in self.data.iterdir()}
        self.assertEqual(len(before), 1798)
        done = python("prepare.py", EVAL_DATA=str(self.data))
        self.assertIn("already", done.stdout)
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.data.iterdir()}, before)

    def test_calls_at_once_leave_one_whole_folder(self):
        parent = self.folder / "at-once"
        calls = [subprocess.Popen([sys.executable, str(example / "prepare.py"), str(parent / "d")],
                                  stdout=subprocess.DEVNULL) for _ in range(4)]
        self.assertEqual([call.wait(timeout=60) for call in calls], [0] * 4)
        self.assertEqual([path.name for path in parent.iterdir()], ["d"])
        self.assertEqual(len(list((parent / "d").iterdir())), 1798)

    def test_a_folder_of_somebody_else_is_left_alone(self):
        mine = self.folder / "mine"
        mine.mkdir()
        (mine / "thesis.txt").write_text("words")
        done = python("prepare.py", mine)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(mine), done.stderr)
        self.assertEqual([path.name for path in mine.iterdir()], ["thesis.txt"])

    def test_the_shipped_prototypes_are_those_of_the_data(self):
        copy = self.folder / "fit"
        shutil.copytree(example, copy)
        (copy / "prototypes.json").unlink()
        python("fit.py", self.data, folder=copy).check_returncode()
        self.assertEqual((copy / "prototypes.json").read_bytes(),
                         (example / "prototypes.json").read_bytes())


class JobFile(Case):
    def job(self, seed):
        out = self.folder / f"job-{seed}"
        python("make_job.py", "--seed", seed, "--out", out, "--data", self.data).check_returncode()
        return tomllib.loads((out / "job.toml").read_text())

    def test_seeds_permute_the_names(self):
        tables = [self.job(seed)["knob"] for seed in range(4)]
        for table in tables:
            self.assertEqual(list(table), [f"knob_{letter}" for letter in "abcdef"])
        self.assertEqual(self.job(1), self.job(1))
        self.assertGreater(len({str(table) for table in tables}), 1)
        contents = [sorted(map(str, table.values())) for table in tables]
        self.assertEqual(contents, [contents[0]] * 4)
        places = {tuple(knobs.naming(seed).values()) for seed in range(200)}
        self.assertGreater(len(places), 100)

    def test_each_knob_has_one_value_beside_its_baseline(self):
        for table in self.job(1)["knob"].values():
            self.assertEqual(len(table["values"]), 1)
            self.assertNotEqual(table["values"][0], table["baseline"])

    def test_the_command_runs_as_filled_in_and_takes_every_knob(self):
        for seed in range(3):
            job = self.job(seed)
            values = {name: table["baseline"] for name, table in job["knob"].items()}
            for name, table in job["knob"].items():
                trial = {**values, name: table["values"][0], "seed": 1, "shard": 1, "length": 0.02}
                command = [word.format(**trial) for word in job["job"]["command"]]
                gpus = table["values"][0] if "resource" in table else 4
                done = subprocess.run(
                    command, cwd=job["job"]["workdir"], capture_output=True, text=True, timeout=60,
                    env={**job["job"]["env"], "AMDAHL_EVENTS": str(self.folder / "trial"),
                         "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(gpus)))})
                self.assertEqual(done.returncode, 0, done.stderr)
        told = [line["obj"] for line in read_lines(self.folder / "trial") if line["k"] == "cfg"]
        for name, knob in knobs.knobs.items():
            turned = [obj for obj in told if obj[name] == knob.variant]
            self.assertEqual(len(turned), 3, name)

    def test_the_code_listed_is_all_that_the_job_needs(self):
        job = self.job(1)
        copy = self.folder / "snapshot"
        copy.mkdir()
        for name in job["job"]["code"]:
            shutil.copy(example / name, copy)
        done = python("eval.py", "--length", 0.01, folder=copy, **job["job"]["env"])
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
