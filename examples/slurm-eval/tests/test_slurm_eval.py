"""The planted effects are there, and what must not change does not."""

import json
import os
import pathlib
import subprocess
import sys
import tomllib
import unittest

example = pathlib.Path(__file__).resolve().parent.parent
root = example.parent.parent


class SlurmEval(unittest.TestCase):
    def setUp(self):
        self.job = tomllib.loads((example / "job.toml").read_text())

    def run_job(self, gpus=8, **values):
        knobs = {name: knob["baseline"] for name, knob in self.job["knob"].items() if name != "gpus"}
        filled = {**knobs, "seed": 1, "shard": 0, "length": 1, **values}
        _, *words = [word.format(**filled) for word in self.job["job"]["command"]]
        env = {"PATH": os.environ["PATH"], **self.job["job"]["env"],
               "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(gpus)))}
        done = subprocess.run([sys.executable, *words], cwd=root, env=env, capture_output=True, text=True, check=True,
                              timeout=60)
        return json.loads(done.stdout)

    def cost(self, **values):
        """GPU-seconds by the job's own clock, the least of three."""
        legs = [self.run_job(**values) for _ in range(3)]
        return min(leg["gpus"] * leg["seconds"] for leg in legs)

    def test_the_three_together_save_three_quarters_and_each_alone_saves(self):
        variant = {name: self.job["knob"][name]["values"][0] for name in ("cache", "batch", "gpus")}
        baseline = self.cost()
        for name, value in variant.items():
            self.assertLess(self.cost(**{name: value}), 0.8 * baseline, name)
        self.assertLess(self.cost(**variant), 0.25 * baseline)

    def test_they_change_no_answer_and_the_precision_does(self):
        baseline = self.run_job()
        for values in ({"cache": 1}, {"batch": 64}, {"gpus": 4}, {"cache": 1, "batch": 64, "gpus": 4}):
            leg = self.run_job(**values)
            for name in ("units", "quality", "predictions"):
                self.assertEqual(leg[name], baseline[name], (name, values))
        margin = self.job["job"]["quality"]["margin"]
        self.assertLess(self.run_job(precision="int4")["quality"], baseline["quality"] - 10 * margin)

    def test_seed_and_shard_choose_and_the_length_repeats(self):
        first = self.run_job()
        self.assertEqual(self.run_job(seed=2)["predictions"], first["predictions"])
        self.assertNotEqual(self.run_job(shard=1)["predictions"], first["predictions"])
        self.assertEqual(self.run_job(length=2)["units"], 2 * first["units"])

    def test_the_snapshot_holds_all_that_the_job_imports(self):
        tracked = [path for pattern in self.job["job"]["code"] for path in root.glob(pattern)]
        self.assertIn(example / "eval.py", tracked)
        self.assertIn(root / self.job["job"]["env"]["PYTHONPATH"] / "amdahl/__init__.py", tracked)


if __name__ == "__main__":
    unittest.main()
