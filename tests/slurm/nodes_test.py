"""The whole loop with a job on two nodes at once, on real Slurm daemons."""

import collections
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from on_slurm import OnSlurm  # noqa: E402
from stand import Stand, amdahl  # noqa: E402


class WideStand(Stand):
    def threefold(self):
        job = super().threefold()
        job.write_text(job.read_text().replace("nodes = 1", "nodes = 2").replace("gpus = 1", "gpus = 4"))
        # Six times as long: a leg begins with srun, whose start takes as long as the fixture's whole leg.
        script = job.parent / "job.sh"
        script.write_text(script.read_text().replace("=1500", "=9000").replace("=500", "=3000"))
        return job


class OnTwoNodes(OnSlurm):
    stand_type = WideStand

    def check(self):
        """Each leg ran once on each of its nodes; a pair that lost one may lack some."""
        counts = collections.defaultdict(collections.Counter)
        for line in self.stand.executions():
            key, pace = line.split()
            counts[key][pace] += 1
        whole = 0
        for key, ran in counts.items():
            # An A/A pair runs the same twice, once for each arm.
            self.assertLessEqual(ran["fast"], 2, key)
            self.assertLessEqual(ran["slow"], 4 if not ran["fast"] else 2, key)
            whole += ran.total() == 4
        self.assertGreater(whole, 4)
        self.assertEqual(amdahl("ledger", "verify", config=self.stand.config).returncode, 0)
        return counts

    def test_a_win_is_found(self):
        service = self.serve()
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        counts = self.check()
        self.assertEqual({ran.total() for ran in counts.values()}, {4})

    def test_a_node_that_is_lost_voids_its_pairs_alone(self):
        service = self.serve()
        self.wait_for_legs(6)
        self.lab.fail_node("n2")
        self.addCleanup(self.lab.start_node, "n2")
        self.wait_for_win()
        self.assertEqual(service.stop(), 0)
        self.check()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
