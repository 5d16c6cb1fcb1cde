"""The uninstrumented job says by itself what its job file reads."""

import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

example = pathlib.Path(__file__).resolve().parent.parent


class Plain(unittest.TestCase):
    def setUp(self):
        self.job = tomllib.loads((example / "job.toml").read_text())

    def run_job(self, **values):
        filled = {"group": 10, "seed": 1, "shard": 0, "length": 1, **values}
        _, *words = [word.format(**filled) for word in self.job["job"]["command"]]
        done = subprocess.run([sys.executable, *words], cwd=example, capture_output=True,
                              text=True, check=True, timeout=60)
        measure = self.job["job"]["measure"]
        return [re.search(measure[what]["regex"], done.stdout)[1] for what in ("units", "quality")]

    def test_units_and_quality_are_where_the_job_file_says(self):
        units, quality = self.run_job()
        self.assertEqual(units, "600")
        self.assertTrue(0.9 < float(quality) < 1)

    def test_the_knob_changes_neither(self):
        knob = self.job["knob"]["group"]
        self.assertEqual(self.run_job(group=knob["baseline"]),
                         self.run_job(group=knob["values"][0]))

    def test_seed_shard_and_length_change_the_work(self):
        self.assertEqual(self.run_job(length=2)[0], "1200")
        qualities = {self.run_job(seed=seed, shard=shard)[1] for seed in (1, 2) for shard in (0, 1)}
        self.assertGreater(len(qualities), 1)

    def test_bad_arguments_are_refused(self):
        for words in (["--group", "0"], ["--length", "x"], ["--nonsense"]):
            done = subprocess.run([sys.executable, "score.py", *words], cwd=example,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words[0], done.stderr)


if __name__ == "__main__":
    unittest.main()
