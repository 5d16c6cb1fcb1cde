"""A laboratory whose Slurm tells a service of ends, and that service's ledger: for tests of webhooks."""

import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "integration")]

from http_client import Door  # noqa: E402
from lab import Lab  # noqa: E402
from served import Doors  # noqa: E402
from stand import PROGRAM, Stand, free_port  # noqa: E402


class OnDoors(unittest.TestCase):
    """`poll_s`: so rarely Slurm is asked where no webhook tells."""

    poll_s = 60

    @classmethod
    def wiring(cls, _doors):
        """What of the doors slurm.conf names, as Lab takes it."""
        return {}

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm-", dir="/tmp"))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.doors = Doors(cls.folder, free_port(), PROGRAM)
        cls.lab = Lab(cls.folder, **cls.wiring(cls.doors))
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.start()

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.addCleanup(self.lab.run, "scancel", "--user=root", check=False)
        self.stand.start_ledger()
        self.doors.configure(self.stand.state, self.lab, poll=f"{self.poll_s}s")
        self.here = Door(socket_path=self.stand.state / "amdahl.sock")

    def serve(self):
        service = self.stand.serve(environment=self.lab.env)
        service.wait_for("leading")
        return service
