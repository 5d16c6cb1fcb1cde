"""The whole loop on real Slurm daemons: the service, its ledger, a job three times as fast with one knob."""

import collections
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "integration")]

from lab import Lab  # noqa: E402
from stand import Stand, amdahl, wait_until  # noqa: E402

WIN_S = 240
# Of one submission, from the intent to the end.
STEPS = ("ledger.intent_unsent", "ledger.intent_stored", "slurm.directory_made", "slurm.spec_written",
         "slurm.submitted", "slurm.recorded", "engine.submitted", "ledger.submits_unsent", "ledger.submits_stored",
         "slurm.released", "engine.released", "ledger.runs_unsent", "ledger.runs_stored", "engine.acknowledged")


class OnSlurm(unittest.TestCase):
    """`via`: how the service asks Slurm."""

    via = "rest"

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.lab = Lab(folder, message_timeout=2, slurmd_timeout=5)
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.start()

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.addCleanup(self.lab.run, "scancel", "--user=root", check=False)
        self.stand.start_ledger()
        token = self.stand.folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.lab.token())
        (self.stand.state / "conf.d").mkdir(exist_ok=True)
        (self.stand.state / "conf.d/slurm.toml").write_text(f"""
[cluster.lab]
adapter = "slurm"
via = "{self.via}"
url = "http://127.0.0.1:{self.lab.rest_port}"
token_file = "{token}"
call_timeout = "5s"
quiet_period = "6s"
result_grace = "2s"
[loop]
idle_interval = "200ms"
lease_ttl = "3s"
[budget]
concurrent_runs = 8
""")
        job = self.stand.threefold()
        job.write_text(job.read_text().replace('cluster = "local"', 'cluster = "lab"'))
        done = amdahl("jobs", "add", job, config=self.stand.config)
        self.assertEqual(done.returncode, 0, done.stderr)

    def serve(self, failpoint=""):
        return self.stand.serve(environment={"SLURM_CONF": str(self.lab.base / "etc/slurm.conf"),
                                             "AMDAHL_FAILPOINT": failpoint})

    def die_at_each_step(self):
        for step in STEPS:
            service = self.serve(step)
            wait_until(lambda: not service.lives(), f"the service dies at {step}")
        service = self.serve()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def wins(self):
        return self.stand.ask("experiments", "--outcome", "win")["experiments"]

    def wait_for_legs(self, count):
        wait_until(lambda: len(self.stand.executions()) >= count, f"{count} legs ran", WIN_S)

    def wait_for_win(self):
        wait_until(self.wins, "the win is recorded", WIN_S)

    def check(self):
        """Each leg ran once, the ledger is whole, nothing of ours is left in the queue."""
        paces = collections.defaultdict(list)
        for line in self.stand.executions():
            key, pace = line.split()
            paces[key].append(pace)
        for key, ran in paces.items():
            # An A/A pair runs the same twice, once for each arm.
            self.assertIn(sorted(ran), [["slow"], ["slow", "slow"], ["fast"], ["fast", "slow"]], key)
        self.assertEqual(amdahl("ledger", "verify", config=self.stand.config).returncode, 0)


class ThroughCommands(OnSlurm):
    via = "cli"

    def test_a_win_is_found(self):
        service = self.serve()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_a_service_killed_at_every_step_of_a_submission_runs_each_leg_once(self):
        self.die_at_each_step()


class ThroughRest(OnSlurm):
    def test_a_service_killed_at_every_step_of_a_submission_runs_each_leg_once(self):
        self.die_at_each_step()

    def test_a_win_is_found(self):
        service = self.serve()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_a_service_killed_again_and_again_runs_each_leg_once(self):
        for legs in (1, 4, 7, 10):
            service = self.serve()
            self.wait_for_legs(legs)
            service.kill()
        service = self.serve()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_a_controller_killed_in_mid_experiment_repeats_nothing(self):
        service = self.serve()
        for legs in (2, 6):
            self.wait_for_legs(legs)
            self.lab.kill("slurmctld", signal.SIGKILL)
            self.lab.start_ctld()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_without_accounting_answers_nothing_is_lost(self):
        self.lab.kill("slurmdbd", signal.SIGTERM)
        self.addCleanup(self.lab.start_dbd)
        service = self.serve()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_a_controller_that_stands_still_past_its_timeout_repeats_nothing(self):
        service = self.serve()
        for legs in (1, 3, 6):
            self.wait_for_legs(legs)
            self.lab.pause("slurmctld")
            self.assertNotEqual(self.lab.ask("squeue").returncode, 0)  # so long it stands
            self.lab.resume("slurmctld")
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_a_node_that_is_lost_voids_its_pairs_alone(self):
        service = self.serve()
        self.wait_for_legs(3)
        self.lab.fail_node("n1")
        self.addCleanup(self.lab.start_node, "n1")
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_preempted_runs_are_nobodys_evidence(self):
        service = self.serve()
        for legs in (2, 5):
            self.wait_for_legs(legs)
            self.lab.run("sbatch", "--parsable", "--partition=urgent", "--nodes=4", "--exclusive", "--gres=gpu:8",
                         "--output=/dev/null", "--wrap=sleep 1")
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()

    def test_a_dead_slurmrestd_is_waited_for(self):
        service = self.serve()
        self.wait_for_legs(2)
        self.lab.kill("slurmrestd", signal.SIGKILL)
        self.lab.start_rest()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
