"""examples/slurm-eval on a real Slurm: from an empty ledger to a quarter of the GPU-hours, woken by webhooks."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "integration")]

from http_client import Door  # noqa: E402
from lab import Lab  # noqa: E402
from served import Doors  # noqa: E402
from stand import PROGRAM, SOURCE, Stand, amdahl, free_port, wait_until  # noqa: E402

HYPOTHESES = 4
DONE_S = 400
# So rarely Slurm is asked where no webhook tells: what goes on meanwhile goes on because one did.
POLL_S = 60


class SlurmEval(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm-", dir="/tmp"))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.doors = Doors(cls.folder, free_port(), PROGRAM)
        cls.lab = Lab(cls.folder, hook_url=cls.doors.hook_url, epilog=cls.doors.script)
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.start()

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        self.doors.configure(self.stand.state, self.lab, poll=f"{POLL_S}s")
        self.here = Door(socket_path=self.stand.state / "amdahl.sock")

    def verdicts(self):
        rows = self.stand.ask("experiments", "--limit", 200)["experiments"]
        return [row for row in rows if row["kind"] == "trial" and row["outcome"]]

    def metric(self, name, **labels):
        text = self.here.get("/metrics").body.decode()
        wanted = "".join(rf'(?=[^}}]*{key}="{re.escape(value)}")' for key, value in labels.items())
        return sum(float(value) for value in re.findall(rf"^{name}\{{{wanted}[^}}]*\}} (\S+)$", text, re.MULTILINE))

    def report(self):
        """Baseline and champion measured as jobs of Slurm, without the loop."""
        out = self.stand.folder / "report.json"
        subprocess.run([sys.executable, SOURCE / "examples/eval/report.py", "--amdahl", PROGRAM, "--config", self.stand.config,
                        "--job", "slurm-eval", "--out", out, "--launcher", "srun --quiet --nodes=1 --gres=gpu:{gpus}"],
                       env=self.lab.env, check=True, timeout=120)
        return json.loads(out.read_text())

    def test_an_empty_ledger_becomes_a_quarter_of_the_gpu_hours_woken_by_webhooks(self):
        begun = time.monotonic()
        service = self.stand.serve(environment=self.lab.env)
        service.wait_for("leading")
        added = amdahl("jobs", "add", SOURCE / "examples/slurm-eval/job.toml", config=self.stand.config)
        self.assertEqual(added.returncode, 0, added.stderr)
        verdicts = wait_until(lambda: len(self.verdicts()) >= HYPOTHESES and self.verdicts(), "all is decided", DONE_S)
        took = time.monotonic() - begun
        self.assertEqual(len(verdicts), HYPOTHESES)
        runs = int(self.stand.sql("SELECT count(*) FROM amdahl.worker_run WHERE state = 9"))
        stored = self.metric("amdahl_webhook_received_total", source="slurm/lab", result="stored")
        posted = self.metric("amdahl_webhook_received_total", source="slurm-es/lab", result="stored")
        print(f"{took:.0f} s, {runs} runs, {stored:.0f} deliveries of EpilogSlurmctld, {posted:.0f} of jobcomp", flush=True)
        # Four at a time, they would have waited for the next look as often as this, at least.
        self.assertLess(took, runs / 4 * POLL_S / 2)
        self.assertGreaterEqual(stored, runs)
        self.assertGreaterEqual(posted, runs - 8)  # its sender is a second behind
        self.assertEqual(self.metric("amdahl_reconcile_missed_jobs_total", cluster="lab"), 0)
        self.assertEqual(service.stop(), 0)
        saving = self.report()["saving"]
        self.assertGreaterEqual(saving, 0.75)
        self.assertEqual(amdahl("ledger", "verify", config=self.stand.config).returncode, 0)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
