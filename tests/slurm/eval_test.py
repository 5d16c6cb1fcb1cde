"""examples/slurm-eval on a real Slurm: from an empty ledger to a quarter of the GPU-hours, woken by webhooks."""

import json
import os
import re
import subprocess
import sys
import time
import unittest

from on_doors import OnDoors
from stand import PROGRAM, SOURCE, amdahl, wait_until

HYPOTHESES = 4
DONE_S = 400


class SlurmEval(OnDoors):
    @classmethod
    def wiring(cls, doors):
        return {"hook_url": doors.hook_url, "epilog": doors.script}

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
        service = self.serve()
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
        self.assertLess(took, runs / 4 * self.poll_s / 2)
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
