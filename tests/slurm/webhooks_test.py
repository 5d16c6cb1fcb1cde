"""Real Slurm tells a service of ends: jobcomp/elasticsearch, jobcomp/script and EpilogSlurmctld, each alone."""

import os
import sys
import time
import unittest

from on_doors import OnDoors
from stand import amdahl, wait_until

RUNS = 8


class Webhooks(OnDoors):
    poll_s = 300

    def told(self, **job):
        """Deliveries, of all jobs or of those with this `native_id`."""
        rows = self.here.get("/api/v1/webhooks/deliveries?limit=200").json()["deliveries"]
        return [row for row in rows if all(row[name] == value for name, value in job.items())]

    def submit(self, *words, script="true"):
        return self.lab.run("sbatch", "--parsable", "--output=/dev/null", "--gres=gpu:1", *words, f"--wrap={script}")

    def ended(self):
        return self.stand.sql("SELECT native_id, run_key FROM amdahl.worker_run WHERE state = 9 ORDER BY run_id").split()

    def check_loop_is_woken(self, source):
        """The loop goes on at once although it looks by itself every five minutes only; nothing goes untold."""
        service = self.serve()
        begun = time.monotonic()
        self.add_job()
        wait_until(lambda: len(self.ended()) >= RUNS, f"{RUNS} runs ended", self.poll_s)
        self.assertLess(time.monotonic() - begun, self.poll_s / 3)
        for line in self.ended()[:RUNS]:
            native_id, run_key = line.split("|")
            row = wait_until(lambda native_id=native_id: self.told(native_id=native_id), f"job {native_id} is told of")[0]
            self.assertEqual((row["source"], row["kind"], row["run_key"]), (source, "slurm.job.ended", run_key))
        self.assertEqual(service.stop(), 0)
        self.assertEqual(amdahl("ledger", "verify", config=self.stand.config).returncode, 0)

    def test_jobcomp_elasticsearch_wakes_the_loop(self):
        self.lab.rewire(hook_url=self.doors.hook_url)
        self.check_loop_is_woken("slurm-es/lab")

    def test_the_hook_as_epilog_of_slurmctld_wakes_the_loop(self):
        self.lab.rewire(epilog=self.doors.script)
        self.check_loop_is_woken("slurm/lab")

    def test_the_hook_as_jobcomp_script_wakes_the_loop(self):
        self.lab.rewire(more=f"JobCompType=jobcomp/script\nJobCompLoc={self.doors.script}")
        self.check_loop_is_woken("slurm/lab")

    def test_what_the_completion_records_say_is_kept(self):
        """Both carry name, state, exit and times; the epilog knows no state."""
        service = self.serve()
        for wiring, source in (({"hook_url": self.doors.hook_url}, "slurm-es/lab"),
                               ({"more": f"JobCompType=jobcomp/script\nJobCompLoc={self.doors.script}"}, "slurm/lab"),
                               ({"epilog": self.doors.script}, "slurm/lab")):
            with self.subTest(wiring=wiring):
                self.lab.rewire(**wiring)
                job = self.submit("--job-name=it's $(a) \"name\"", script="exit 3")
                row = wait_until(lambda job=job: self.told(native_id=job), "it is told of")[0]
                self.assertEqual((row["source"], row["cluster"], row["kind"]), (source, "lab", "slurm.job.ended"))
                said = self.here.get(f"/api/v1/webhooks/deliveries/{row['delivery']}").json()["body"]
                said = said.get("data", said)
                self.assertEqual((said["job_name"], said["exit_code"], said["nodes"]), ("it's $(a) \"name\"", "3:0", "n1"))
                self.assertEqual(said.get("state"), None if "epilog" in wiring else "FAILED")
                self.assertFalse([name for name in said if name.startswith("array")], "it is no part of an array")
        self.assertEqual(service.stop(), 0)

    def test_what_ended_while_the_service_was_away_is_told_when_it_is_back(self):
        self.lab.rewire(hook_url=self.doors.hook_url, epilog=self.doors.script)
        job = self.submit()
        wait_until(lambda: list(self.doors.spool.glob("*.json")), "the hook has spooled it")
        service = self.serve()
        wait_until(lambda: {row["source"] for row in self.told(native_id=job)} == {"slurm/lab", "slurm-es/lab"},
                   "both have told")
        wait_until(lambda: not list(self.doors.spool.glob("*.json")), "the spool is empty")
        self.assertEqual(service.stop(), 0)

    def test_a_run_that_slurm_has_forgotten_ends_as_its_completion_record_told(self):
        """It never started, so nothing but the record knows: there is no accounting, and the controller keeps nothing."""
        self.lab.rewire(more=f"MinJobAge=1\nJobCompType=jobcomp/script\nJobCompLoc={self.doors.script}")
        (self.stand.state / "conf.d/z-lone.toml").write_text("[cluster.lab]\naccounting = false\n")
        self.drain("drain")
        self.addCleanup(self.drain, "resume")
        self.add_job()
        service = self.stand.serve(environment={**self.lab.env, "AMDAHL_FAILPOINT": "engine.released"})
        wait_until(lambda: not service.lives(), "the service dies with its runs submitted")
        jobs = self.lab.run("squeue", "-h", "-o", "%i").split()
        self.lab.run("scancel", *jobs)
        wait_until(lambda: len(list(self.doors.spool.glob("*.json"))) == len(jobs), "the hook has spooled all")
        wait_until(lambda: not self.lab.run("squeue", "-h", "-t", "all", "-o", "%i"), "Slurm has forgotten them")
        # Until the dead one's lease has lapsed it only listens.
        service = self.stand.serve(environment=self.lab.env)
        service.wait_for("following")
        wait_until(self.doors.flush, "what it spooled is stored", 10)
        runs = wait_until(lambda: [run for run in self.stand.ask("runs", "--limit", 200)["runs"]
                                   if run["native_id"] in jobs and run["state"] == "ended"], "they have ended")
        self.assertEqual({run["outcome"] for run in runs}, {"cancelled"})
        self.assertEqual(service.stop(), 0)

    def drain(self, state):
        self.lab.run("scontrol", "update", f"nodename={','.join(self.lab.nodes)}", f"state={state}", "reason=test")

    def add_job(self):
        job = self.stand.threefold()
        job.write_text(job.read_text().replace('cluster = "local"', 'cluster = "lab"'))
        self.assertEqual(amdahl("jobs", "add", job, config=self.stand.config).returncode, 0)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
