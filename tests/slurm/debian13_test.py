"""The laws of adapters on Debian 13's Slurm 24.11: through its commands, and through slurmrestd in each version."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from debian13 import Lab13, Root, Unavailable, VERSIONS  # noqa: E402
from fixture import PARTITIONS  # noqa: E402

PROGRAMS = pathlib.Path(os.environ["AMDAHL_BINARY_DIR"])
SUITE_S = 600


class OnDebian13(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.root = cls.enterClassContext(Root())
        except Unavailable as why:
            raise unittest.SkipTest(str(why)) from why
        folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm13-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.root.share(PROGRAMS)  # the shim, for its nodes
        cls.lab = cls.enterClassContext(Lab13(cls.root, folder, nodes=3, gpus=4, more=PARTITIONS))
        cls.commands = cls.root.commands()
        cls.addClassCleanup(shutil.rmtree, cls.commands)
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(cls.lab.token(lifespan=86400))

    def obeys(self, program, url, **more):
        (self.lab.base / "rest").write_text(url)
        environment = {**self.lab.env, "AMDAHL_SLURM_LAB": str(self.lab.base),
                       "PATH": f"{self.commands}:{os.environ['PATH']}", **more}
        done = subprocess.run([PROGRAMS / "tests/bin" / program, *sys.argv[2:]], env=environment, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SUITE_S)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:])
        self.assertNotIn("skipped: ", done.stdout)

    def test_through_its_commands(self):
        self.obeys("slurm_cli_conformance", "")

    def through(self, version):
        self.obeys("slurm_rest_conformance", self.lab.rest_urls[version], AMDAHL_SLURM_REST_VERSION=str(version))


for number in VERSIONS:
    setattr(OnDebian13, f"test_through_v{number}", lambda self, number=number: self.through(number))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: Slurm's daemons and a chroot need root")
        sys.exit(77)
    if "AMDAHL_UNSHARED" not in os.environ:
        os.environ["AMDAHL_UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv])
    outcome = unittest.main(argv=sys.argv[:2], exit=False, verbosity=2).result
    sys.exit(77 if outcome.skipped and not outcome.testsRun else not outcome.wasSuccessful())
