"""The whole loop on real Slurm daemons: the service, its ledger, a job three times as fast with one knob."""

import contextlib
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "integration")]

from lab import Lab  # noqa: E402
from rest_proxy import RestProxy  # noqa: E402
from stand import Stand, amdahl, wait_until  # noqa: E402

WIN_S = 240
# Of one submission, from the intent to the end.
STEPS = ("ledger.intent_unsent", "ledger.intent_stored", "slurm.directory_made", "slurm.spec_written",
         "slurm.submitted", "slurm.recorded", "engine.submitted", "ledger.submits_unsent", "ledger.submits_stored",
         "slurm.released", "engine.released", "ledger.runs_unsent", "ledger.runs_stored", "engine.acknowledged")
MESSAGE_TIMEOUT_S = 2


class OnSlurm(unittest.TestCase):
    """`via`: how the service asks Slurm; `laboratory`: what its Lab is like; `stand_type`: what makes the job.
    Between the service and slurmrestd stands `self.proxy`, which does nothing but on demand. A test may have a
    `slowness`: how much longer its legs take."""

    via = "rest"
    laboratory: dict = {}
    stand_type = Stand

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.lab = Lab(folder, message_timeout=MESSAGE_TIMEOUT_S, slurmd_timeout=5, **cls.laboratory)
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.start()

    def setUp(self):
        self.stand = self.stand_type()
        self.addCleanup(self.stand.remove)
        self.addCleanup(self.lab.run, "scancel", "--user=root", check=False)
        self.stand.start_ledger()
        self.proxy = RestProxy(self.lab.rest_port)
        self.addCleanup(self.proxy.stop)
        self.token = self.stand.folder / "token"
        self.token.touch(mode=0o600)
        self.token.write_text(self.lab.token())
        self.configure()
        self.add_job()

    def configure(self, concurrent_runs=8, **settings):
        """The cluster as it is, but for `settings`: for services that start from now on."""
        cluster = {"adapter": "slurm", "via": self.via, "url": f"http://127.0.0.1:{self.proxy.port}",
                   "token_file": str(self.token), "call_timeout": "5s", "poll_interval": "100ms", "quiet_period": "6s",
                   "result_grace": "2s", **settings}
        lines = [f'{name} = "{value}"' for name, value in cluster.items()]
        (self.stand.state / "conf.d").mkdir(exist_ok=True)
        (self.stand.state / "conf.d/slurm.toml").write_text("\n".join(["[cluster.lab]", *lines, """
[loop]
idle_interval = "200ms"
lease_ttl = "3s"
[budget]
""", f"concurrent_runs = {concurrent_runs}\n"]))

    def add_job(self):
        job = self.stand.threefold()
        slowness = getattr(getattr(self, self._testMethodName), "slowness", 1)
        script = job.parent / "job.sh"
        slower = re.sub(r"(?<=tenths_of_ms=)\d+", lambda found: str(int(found[0]) * slowness), script.read_text())
        script.write_text(slower)
        # More than a minute: there is a partition that allows no more.
        job.write_text(job.read_text().replace('cluster = "local"', 'cluster = "lab"').replace('"20s"', '"100s"'))
        done = amdahl("jobs", "add", job, config=self.stand.config)
        self.assertEqual(done.returncode, 0, done.stderr)

    def serve(self, failpoint="", **environment):
        return self.stand.serve(environment={"SLURM_CONF": str(self.lab.base / "etc/slurm.conf"),
                                             "AMDAHL_FAILPOINT": failpoint, **environment})

    def serve_to_the_win(self):
        service = self.serve()
        self.end_in_a_win(service)

    def end_in_a_win(self, service):
        """The verdict is the one that it is without any fault."""
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def wins(self):
        return self.stand.ask("experiments", "--outcome", "win")["experiments"]

    def runs(self):
        return self.stand.ask("runs", "--limit", "200")["runs"]

    def wait_for_legs(self, count):
        wait_until(lambda: len(self.stand.executions()) >= count, f"{count} legs ran", WIN_S)

    def ended_as(self, outcome):
        return [run for run in self.runs() if run.get("outcome") == outcome]

    def comes_to(self, outcome, seconds=8):
        """Whether a run ends so, soon."""
        with contextlib.suppress(AssertionError):
            return wait_until(lambda: self.ended_as(outcome), outcome, seconds)
        return []

    def wait_for_outcome(self, outcome):
        wait_until(lambda: self.ended_as(outcome), f"a run is {outcome}", WIN_S)

    def wait_for_win(self):
        wait_until(self.wins, "the win is recorded", WIN_S)

    def check(self):
        """Each leg ran once, the ledger is whole."""
        self.assertEqual(self.stand.repeated(), {})
        done = amdahl("ledger", "verify", config=self.stand.config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def wait_until_forgotten(self, seconds=60):
        """No job that has ended is known to the controller any more; what is held waits on."""
        wait_until(lambda: not self.lab.run("squeue", "-h", "-t", "completed,completing,running,failed", "--user=root"),
                   "Slurm forgets what has ended", seconds)

    def restart_controller(self):
        """As if its machine had lost power."""
        self.lab.kill("slurmctld")
        self.lab.start_ctld()

    def stand_still(self):
        """The controller answers nobody for longer than anybody waits."""
        self.lab.pause("slurmctld")
        self.assertNotEqual(self.lab.ask("squeue").returncode, 0)  # so long it stands
        self.lab.resume("slurmctld")
