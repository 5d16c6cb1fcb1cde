"""The CUDA device, against a driver of GPUs that are not there and, if there is one, a real GPU."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

example = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(example))
import device_cuda  # noqa: E402

compiler = shutil.which("c++") or shutil.which("g++")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.data = cls.folder / "data"
        cls.python("prepare.py", cls.data).check_returncode()

    @classmethod
    def python(cls, script, *words, **env):
        return subprocess.run(
            [sys.executable, str(example / script), *map(str, words)], capture_output=True,
            text=True, timeout=120, env={"PATH": os.environ["PATH"], **env})

    def evaluate(self, **env):
        done = self.python("eval.py", "--data", self.data, "--workers", 2, "--batch", 32,
                           "--length", 0.5, **env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr

    def assert_alike(self, **env):
        """Predictions of the CUDA device are the emulation's."""
        slots = env.get("CUDA_VISIBLE_DEVICES", "")
        expected, _ = self.evaluate(CUDA_VISIBLE_DEVICES=slots)
        found, said = self.evaluate(EVAL_DEVICE="cuda", **env)
        self.assertEqual((found["predictions"], found["units"]),
                         (expected["predictions"], expected["units"]))
        return said


@unittest.skipUnless(compiler, "needs a C++ compiler")
class FakeGpus(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        source = (example / "score.cu").read_text()
        host, replaced = re.subn(r"asm volatile\(.*\);", "now = 0;", source)
        assert replaced == 1
        (cls.folder / "score_host.inc").write_text(host)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-I", str(cls.folder), "-o",
                        str(cls.folder / "libcuda.so.1"),
                        str(example / "tests" / "fake_libcuda.cpp")], check=True)

    def fake(self, gpus, **env):
        return {"LD_LIBRARY_PATH": str(self.folder), "FAKE_GPUS": str(gpus), **env}

    def test_predictions_are_those_of_the_emulation(self):
        for gpus, slots in ((4, "0,1,2,3"), (4, "2,3"), (3, "0,1,2"), (1, "0")):
            said = self.assert_alike(**self.fake(gpus, CUDA_VISIBLE_DEVICES=slots))
            self.assertIn("CUDA", said)

    def test_a_trial_compares_with_the_cpu(self):
        self.assertEqual(self.python("device_cuda.py", **self.fake(1)).returncode, 0)
        done = self.python("device_cuda.py", **self.fake(1, FAKE_BROKEN="1"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("cuInit: CUDA_ERROR_UNKNOWN", done.stderr)

    def test_no_visible_gpu_is_an_error_that_names_the_way_out(self):
        done = self.python("eval.py", "--data", self.data, EVAL_DEVICE="cuda", **self.fake(0))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("EVAL_DEVICE=emulated", done.stderr)


class Choice(Case):
    def test_slots_beyond_the_gpus_share_them(self):
        for present, slots, real in [(1, "0,1,2,3", "0"), (2, "2,3", "0,1"), (4, "2,3", "2,3"),
                                     (0, "2", "2"), (1, "GPU-ab", "GPU-ab")]:
            environ = {"CUDA_VISIBLE_DEVICES": slots}
            device_cuda.share_real_gpus(environ, present)
            self.assertEqual(environ["CUDA_VISIBLE_DEVICES"], real)

    def test_an_unknown_device_is_refused(self):
        done = self.python("eval.py", "--data", self.data, EVAL_DEVICE="tpu")
        self.assertEqual(done.returncode, 2)
        self.assertIn("must be emulated or cuda", done.stderr)

    @unittest.skipIf(os.path.exists("/dev/nvidiactl"), "there is a GPU")
    def test_without_a_gpu_the_job_file_says_emulated(self):
        self.python("make_job.py", "--seed", 1, "--out", self.folder, "--data",
                    self.data).check_returncode()
        self.assertIn('EVAL_DEVICE = "emulated"', (self.folder / "job.toml").read_text())
        done = self.python("eval.py", "--data", self.data, EVAL_DEVICE="cuda")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no CUDA driver", done.stderr)

    @unittest.skipUnless(os.path.exists("/dev/nvidiactl"), "needs an NVIDIA GPU")
    def test_a_real_gpu_agrees_with_the_emulation(self):
        done = self.python("device_cuda.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_alike(CUDA_VISIBLE_DEVICES="0")


if __name__ == "__main__":
    unittest.main()
