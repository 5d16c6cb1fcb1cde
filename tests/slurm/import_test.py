"""Accounting of real Slurm daemons in the ledger: a requeued job's attempts, through sacct and slurmrestd."""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "integration")]

from lab import Lab  # noqa: E402
from stand import Stand, amdahl, wait_until  # noqa: E402

AGAIN_S = 240


class Accounting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-slurm-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.lab = Lab(folder, nodes=1)
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.start()

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        token = self.stand.folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.lab.token())
        (self.stand.state / "conf.d").mkdir(exist_ok=True)
        (self.stand.state / "conf.d/slurm.toml").write_text(f"""
[cluster.commands]
adapter = "slurm"
[cluster.rest]
adapter = "slurm"
via = "rest"
url = "http://127.0.0.1:{self.lab.rest_port}"
token_file = "{token}"
""")

    def bring_in(self, cluster):
        done = amdahl("import", "sacct", "--cluster", cluster, "--since", "1d", "-o", "json", config=self.stand.config,
                      environment={"SLURM_CONF": str(self.lab.base / "etc/slurm.conf")})
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def state_of(self, job):
        return self.lab.run("squeue", "-h", "-j", job, "-o", "%T %r", "--states=all")

    def requeued_job(self):
        """A job that ran, was requeued, and ran again to its end, with GPUs both times."""
        job = self.lab.run("sbatch", "--parsable", "--requeue", "--gres=gpu:2", "--job-name=train_seed1",
                           "--chdir=/tmp", "--output=/dev/null", "--wrap", '[ "$SLURM_RESTART_COUNT" ] || sleep 300')
        wait_until(lambda: self.state_of(job).startswith("RUNNING"), "it runs")
        wait_until(lambda: self.bring_in("commands")["attempts"] == 1, "accounting has it")
        self.lab.run("scontrol", "requeue", job)
        wait_until(lambda: self.state_of(job) == "PENDING BeginTime", "it waits again")
        # Once, since each update puts it off; where it is lost, the job waits for two minutes. So soon its
        # credential may still be revoked: then this attempt fails, which is an end as good as any.
        self.lab.run("scontrol", "update", f"JobId={job}", "StartTime=now")
        wait_until(lambda: self.state_of(job).startswith(("COMPLETED", "FAILED")), "it ends", seconds=AGAIN_S)

    def test_both_attempts_of_a_requeued_job_are_there_once_by_either_way(self):
        self.requeued_job()
        imports = []  # slurmdbd hears of it a moment later
        wait_until(lambda: imports.append(self.bring_in("commands")) or imports[-1]["attempts"] == 2,
                   "accounting has both attempts")
        self.assertEqual(sum(done["new"] for done in imports), 1, imports)
        self.assertGreaterEqual(sum(done["changed"] for done in imports), 1, imports)
        wait_until(lambda: self.bring_in("commands")["changed"] == 0, "accounting is at rest")
        # The other way tells the same attempts, so nothing is new to it; and so again.
        for cluster in ("rest", "commands", "rest"):
            again = self.bring_in(cluster)
            self.assertEqual((again["attempts"], again["new"], again["changed"]), (2, 0, 0), (cluster, again))
        fleet = self.stand.ask("rank")["fleet"]
        self.assertEqual(fleet["attempts"], 2)
        self.assertEqual([row["job"] for row in fleet["jobs"]], ["train_seed#"])
        self.assertEqual(fleet["jobs"][0]["runs"], 2)
        self.assertEqual(fleet["jobs"][0]["cluster"], "lab")
        text = self.lab.run("sacct", "-a", "-D", "-P", "-S", "now-1days", "-o",
                            "JobIDRaw,JobName,User,Account,Partition,Cluster,State,Submit,Eligible,Start,End,AllocTRES")
        ranked = json.loads(amdahl("rank", "--from", "-", "-o", "json", stdin=text + "\n").stdout)
        self.assertEqual(ranked["jobs"], fleet["jobs"])
        self.assertTrue(self.stand.ask("ledger", "verify")["ok"])

    def test_the_doctor_knows_the_clock_of_slurm_over_rest(self):
        done = amdahl("doctor", "-o", "json", config=self.stand.config)
        said = " ".join(check["text"] for check in json.loads(done.stdout)["checks"] if check["name"] == "cluster rest")
        self.assertIn("Slurm's clock is within", said)
        self.assertIn("MinJobAge is unknown", said)


if __name__ == "__main__":
    unittest.main()
