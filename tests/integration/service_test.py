"""The service while its ledger fails, while another one leads, and as a new process per cycle."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

from old_server import OldServer
from stand import SOURCE, Stand, amdahl, wait_until


class WithStand(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)

    def wins(self):
        return self.stand.ask("experiments", "--outcome", "win")["experiments"]

    def check_each_leg_ran_once(self):
        self.assertEqual(self.stand.repeated(), {})

    def check_ledger(self):
        self.assertEqual(amdahl("ledger", "verify", config=self.stand.config).returncode, 0)


class LedgerFails(WithStand):
    def test_a_crash_in_mid_experiment_loses_and_repeats_nothing(self):
        self.stand.start_ledger()
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        wait_until(lambda: len(self.stand.executions()) >= 5, "five legs ran")
        self.stand.crash_ledger()
        why = service.wait_for("ledger_unavailable")[0]["why"]
        self.assertTrue(why)
        self.assertTrue(service.lives())
        status = amdahl("status", config=self.stand.config)
        self.assertEqual(status.returncode, 4, status.stderr)
        self.stand.restart_ledger()
        wait_until(self.wins, "the win is recorded")
        self.assertEqual(service.stop(), 0)
        self.check_each_leg_ran_once()
        self.check_ledger()

    def test_without_its_ledger_nothing_starts_and_the_way_out_is_said(self):
        self.stand.start_ledger()
        self.stand.crash_ledger()
        for words in (["serve"], ["cycle", "--once"], ["status"], ["propose", "-f", self.idea()]):
            with self.subTest(words=words):
                done = amdahl(*words, config=self.stand.config)
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn("PostgreSQL cannot be reached", done.stderr)
                self.assertIn("amdahl doctor", done.stderr)

    def idea(self):
        path = self.stand.folder / "idea.toml"
        path.write_text('job = "threefold"\n[arg]\npace = "fast"\n')
        return path

    def test_a_server_that_is_too_old_is_refused_with_the_fix(self):
        self.stand.start_ledger()
        with OldServer(self.stand.state / "ledger", self.stand.folder) as old:
            config = self.stand.folder / "old.toml"
            url = (self.stand.state / "secrets/ledger-url").read_text()
            secret = self.stand.folder / "old-url"
            secret.write_text(old.url(url))
            secret.chmod(0o600)
            config.write_text(self.stand.config.read_text().replace(
                str(self.stand.state / "secrets/ledger-url"), str(secret)))
            for words in (["serve"], ["status"], ["cycle", "--once"]):
                with self.subTest(words=words):
                    done = amdahl(*words, config=config)
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn("PostgreSQL 14.", done.stderr)
                    self.assertIn("15 or newer", done.stderr)


class Tampered(WithStand):
    def test_a_tampered_ledger_is_not_led_and_still_read(self):
        self.stand.start_ledger()
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        secret = self.stand.state / "secrets/ledger-owner-url"
        subprocess.run(["psql", "-qX", secret.read_text().strip(), "-c",
                        "SET session_replication_role = replica; UPDATE amdahl.job SET slug = 'other'"],
                       check=True, timeout=60)
        for words in (["serve"], ["cycle", "--once"], ["ledger", "verify"]):
            with self.subTest(words=words):
                done = amdahl(*words, config=self.stand.config)
                self.assertEqual(done.returncode, 8, done.stderr)
                self.assertIn("job 1", done.stderr + done.stdout)
        self.assertEqual(self.stand.ask("status")["jobs"], 1)


class OtherVersion(WithStand):
    def owner(self, sql):
        secret = self.stand.state / "secrets/ledger-owner-url"
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", secret.read_text().strip(), "-c",
                        "SET session_replication_role = replica; " + sql], check=True, timeout=60)

    def test_another_version_or_a_half_migrated_ledger_is_not_led_and_still_read(self):
        self.stand.start_ledger()
        added = amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config)
        self.assertEqual(added.returncode, 0)
        last = "(SELECT max(version) FROM amdahl.schema_migration)"
        zeros = "decode(repeat('00', 32), 'hex')"
        for spoil, mend, said in (
                (f"INSERT INTO amdahl.schema_migration VALUES (99, 'later', {zeros}, 99)",
                 "DELETE FROM amdahl.schema_migration WHERE version = 99", "schema version 99"),
                ("CREATE TABLE kept AS SELECT * FROM amdahl.schema_migration WHERE version = 2; "
                 "DELETE FROM amdahl.schema_migration WHERE version = 2",
                 "INSERT INTO amdahl.schema_migration SELECT * FROM kept; DROP TABLE kept", "0002_"),
                ("CREATE TABLE kept AS SELECT * FROM amdahl.schema_function; "
                 f"UPDATE amdahl.schema_function SET checksum = {zeros} WHERE name LIKE '0%'",
                 "DELETE FROM amdahl.schema_function; "
                 "INSERT INTO amdahl.schema_function SELECT * FROM kept; DROP TABLE kept", "9 of "),
                ("CREATE TABLE kept AS SELECT * FROM amdahl.schema_migration WHERE version = "
                 f"{last}; DELETE FROM amdahl.schema_migration WHERE version = {last}",
                 "INSERT INTO amdahl.schema_migration SELECT * FROM kept; DROP TABLE kept", "needs")):
            self.owner(spoil)
            for words in (["serve"], ["cycle", "--once"], ["cycle", "--once", "--dry-run"], ["pause"]):
                with self.subTest(words=words, said=said):
                    done = amdahl(*words, config=self.stand.config)
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn(said, done.stderr)
            for words in (["status"], ["rank"], ["explain", "threefold"], ["jobs"], ["experiments"]):
                with self.subTest(words=words, said=said):
                    done = amdahl(*words, config=self.stand.config)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn(said, done.stderr)
            self.assertEqual(self.stand.ask("status")["jobs"], 1)
            self.assertEqual(amdahl("doctor", config=self.stand.config).returncode, 8)
            self.owner(mend)
        self.assertEqual(amdahl("pause", config=self.stand.config).returncode, 0)

    def test_a_view_that_is_not_there_is_said(self):
        self.stand.start_ledger()
        self.owner("DROP FUNCTION amdahl.read_rank; DELETE FROM amdahl.schema_function WHERE name LIKE '14%'")
        self.assertEqual(amdahl("status", config=self.stand.config).returncode, 0)
        done = amdahl("rank", config=self.stand.config)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("14_read_lists.sql", done.stderr)


class FullDisk(WithStand):
    def test_a_full_disk_stops_nothing_for_good(self):
        if not self.small_disk():
            self.skipTest("no right to mount a small disk")
        self.stand.start_ledger()
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        ballast = self.stand.state / "ballast"
        service = self.stand.serve()
        wait_until(lambda: len(self.stand.executions()) >= 3, "three legs ran")
        fill(ballast)
        wait_until(lambda: service.events("ledger_unavailable") or service.events("submit_failed")
                   or service.events("cycle_failed"), "it says that something is full")
        self.assertTrue(service.lives())
        ballast.unlink()
        if amdahl("status", "-q", config=self.stand.config).returncode != 0:
            self.restart_if_down()
        wait_until(self.wins, "the win is recorded")
        self.assertEqual(service.stop(), 0)
        self.check_each_leg_ran_once()
        self.check_ledger()

    def small_disk(self):
        self.stand.state.mkdir(mode=0o755)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", self.stand.state],
                              stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            self.addCleanup(subprocess.run, ["umount", "-l", self.stand.state], check=False)
        return done.returncode == 0

    def restart_if_down(self):
        if not pathlib.Path(f"/proc/{self.stand.postmaster()}").exists():
            self.stand.restart_ledger()


def fill(path):
    """Takes what is free of the disk that `path` lies on."""
    with open(path, "wb", buffering=0) as file:
        block = b"x" * 65536
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[:len(block) // 2]


class ClusterUnseen(WithStand):
    def test_a_job_of_a_cluster_that_does_not_answer_waits_and_status_says_why(self):
        self.stand.start_ledger()
        token = self.stand.folder / "token"
        token.touch(mode=0o600)
        token.write_text("head.claims.sign")
        (self.stand.state / "conf.d").mkdir(exist_ok=True)
        (self.stand.state / "conf.d/lab.toml").write_text(
            f'[cluster.lab]\nadapter = "slurm"\nvia = "rest"\nurl = "http://127.0.0.1:1"\ntoken_file = "{token}"\n')
        job = self.stand.threefold()
        job.write_text(job.read_text().replace('cluster = "local"', 'cluster = "lab"'))
        self.assertEqual(amdahl("jobs", "add", job, config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        event = service.wait_for("cluster_unseen")[0]
        self.assertEqual((event["cluster"], event["level"]), ("lab", "warning"))
        self.assertIn("127.0.0.1:1", event["why"])
        self.assertEqual([row["reason"] for row in self.stand.ask("status")["waiting"]],
                         [f"job threefold: cluster lab cannot be seen: {event['why']}"])
        self.assertEqual(service.stop(), 0)
        self.assertEqual(len(service.events("cluster_unseen")), 1)


class TwoServices(WithStand):
    def test_the_second_follows_says_so_and_takes_over(self):
        self.stand.start_ledger()
        first = self.stand.serve()
        wait_until(lambda: self.stand.ask("status")["loop"]["state"] == "running", "one leads")
        second = self.stand.serve()
        leader = second.wait_for("following")[0]["leader"]
        self.assertEqual(leader, self.stand.ask("status")["loop"]["holder"])
        self.assertEqual(first.stop(), 0)
        wait_until(lambda: self.stand.ask("status")["loop"]["holder"] not in (leader, None)
                   and self.stand.ask("status")["loop"]["state"] == "running", "the other leads")
        self.assertEqual(second.stop(), 0)

    def test_a_leader_that_pauses_for_longer_than_its_lease_keeps_it(self):
        self.stand.start_ledger()
        self.stand.set_lease("3s")
        (self.stand.state / "conf.d/idle.toml").write_text('[loop]\nidle_interval = "1h"\n')
        first = self.stand.serve()
        first.wait_for("leading")
        second = self.stand.serve()
        second.wait_for("following")
        fence, begun = self.stand.sql("SELECT fence, renew_seq FROM amdahl.loop_head").split("|")
        wait_until(lambda: int(self.stand.sql("SELECT renew_seq FROM amdahl.loop_head")) >= int(begun) + 5,
                   "it renews its lease again and again")
        self.assertEqual(self.stand.sql("SELECT fence FROM amdahl.loop_head"), fence)
        self.assertEqual(second.events("leading"), [])
        self.assertEqual(second.stop(), 0)
        self.assertEqual(first.stop(), 0)

    def test_a_cycle_beside_a_service_ends_with_who_leads(self):
        self.stand.start_ledger()
        service = self.stand.serve()
        wait_until(lambda: self.stand.ask("status")["loop"]["state"] == "running", "it leads")
        done = amdahl("cycle", "--once", "--timeout", "1s", config=self.stand.config)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn(self.stand.ask("status")["loop"]["holder"], done.stderr)
        self.assertEqual(service.stop(), 0)

    def test_killed_with_runs_under_way_the_next_one_goes_on(self):
        self.stand.start_ledger()
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        first = self.stand.serve()
        wait_until(lambda: len(self.stand.executions()) >= 3, "three legs ran")
        first.kill()
        second = self.stand.serve()
        wait_until(self.wins, "the win is recorded")
        self.assertEqual(second.stop(), 0)
        self.check_each_leg_ran_once()
        self.check_ledger()


class Leaders(WithStand):
    """Two services on one ledger; the leases are as short as they may be."""

    TTL_S = 3

    def setUp(self):
        super().setUp()
        self.stand.start_ledger()
        self.stand.set_lease(f"{self.TTL_S}s")
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        self.first = self.stand.serve()
        self.fence = self.first.wait_for("leading")[0]["fence"]
        self.second = self.stand.serve()
        self.second.wait_for("following")
        wait_until(lambda: len(self.stand.executions()) >= 3, "three legs ran")

    def test_a_leader_that_stood_still_past_its_lease_wakes_up_fenced_and_follows(self):
        self.first.signal(signal.SIGSTOP)
        fence = self.second.wait_for("leading")[0]["fence"]
        self.assertGreater(fence, self.fence)
        ran = len(self.stand.executions())
        wait_until(lambda: len(self.stand.executions()) >= ran + 2, "the second one goes on")
        self.first.signal(signal.SIGCONT)
        fenced = self.first.wait_for("fenced")
        self.assertTrue(fenced[0]["why"])
        self.assertEqual(fenced[0]["fence"], self.fence)
        self.assertEqual(self.first.wait_for("following")[0]["leader"], self.stand.ask("status")["loop"]["holder"])
        wait_until(self.wins, "the win is recorded")
        self.assertTrue(self.first.lives())
        self.assertEqual(len(self.first.events("fenced")), 1)
        self.assertEqual(len(self.first.events("leading")), 1)
        late = self.stand.sql(f"SELECT count(*) FROM amdahl.event WHERE fence < {fence} AND seq > "
                              f"(SELECT min(seq) FROM amdahl.event WHERE fence = {fence})")
        self.assertEqual(late, "0")
        self.check_each_leg_ran_once()
        self.check_ledger()

    def test_a_killed_leader_is_replaced_within_a_lease_and_a_second_while_reads_go_on(self):
        self.first.kill()
        killed = time.monotonic()
        while not self.second.events("leading"):
            self.assertLess(time.monotonic() - killed, self.TTL_S + 1)
            self.assertEqual(amdahl("status", "-q", config=self.stand.config).returncode, 0)
        wait_until(self.wins, "the win is recorded")
        self.check_each_leg_ran_once()
        self.check_ledger()


class LedgerTroubled(WithStand):
    """What a database's people do to it, in the middle of an experiment."""

    def setUp(self):
        super().setUp()
        self.stand.start_ledger()
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        self.service = self.stand.serve()
        self.after_legs(3)

    def after_legs(self, more):
        ran = len(self.stand.executions())
        wait_until(lambda: len(self.stand.executions()) >= ran + more, f"{more} more legs ran")

    def check_it_ends_well(self):
        wait_until(self.wins, "the win is recorded")
        self.assertEqual(self.service.stop(), 0)
        self.check_each_leg_ran_once()
        self.check_ledger()

    def troubles(self):
        return self.service.events("ledger_unavailable") + self.service.events("ledger_outcome_unknown")


class LedgerRestarts(LedgerTroubled):
    def test_restarts_in_both_ways_lose_and_repeat_nothing(self):
        for mode in ("fast", "immediate"):
            with self.subTest(mode=mode):
                self.stand.pg_restart(mode)
                self.after_legs(2)
        self.assertTrue(self.service.lives())
        self.check_it_ends_well()


class LedgerCutsConnections(LedgerTroubled):
    def test_connections_that_are_ended_again_and_again_lose_and_repeat_nothing(self):
        pace, ended = threading.Event(), 0
        for _ in range(16):
            pace.wait(0.3)
            ended += int(self.stand.sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"))
        self.assertGreaterEqual(ended, 4)
        wait_until(self.troubles, "it says that connections break")
        self.check_it_ends_well()


class LedgerStandsStill(LedgerTroubled):
    def test_a_server_that_stands_still_is_left_and_found_again(self):
        processes = self.stand.server_processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(self.troubles, "it says that nobody answers", seconds=20)
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        self.assertTrue(self.service.lives())
        self.check_it_ends_well()


class EveryCycleAnotherProcess(WithStand):
    def test_the_example_reaches_the_same_kinds_of_verdict(self):
        data, job = self.stand.folder / "digits", self.stand.folder / "job"
        example = SOURCE / "examples/eval"
        for command in ([example / "prepare.py", data],
                        [example / "make_job.py", "--seed", "3", "--data", data, "--out", job,
                         "--device", "emulated"]):
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, timeout=60)
        text = (job / "job.toml").read_text()
        # A third of the images: short legs, the same waste.
        (job / "job.toml").write_text(text.replace("[job.env]", '[job.env]\nEVAL_SHARE = "0.35"'))
        self.stand.start_ledger(gpus=4)
        self.assertEqual(amdahl("jobs", "add", job / "job.toml", config=self.stand.config).returncode, 0)
        cycles = 0
        while (done := amdahl("cycle", "--once", config=self.stand.config)).returncode == 0:
            cycles += 1
            self.assertLess(cycles, 5000)
        self.assertEqual(done.returncode, 9, done.stderr)
        trials = [row for row in self.stand.ask("experiments")["experiments"] if row["kind"] == "trial"]
        outcomes = sorted(row["outcome"] for row in trials)
        self.assertGreaterEqual(outcomes.count("win"), 2, outcomes)
        self.assertGreaterEqual(outcomes.count("refuted"), 2, outcomes)
        self.assertNotIn("void", outcomes)
        reasons = " ".join(self.stand.ask("explain", row["name"])["verdict"]["reason"] for row in trials)
        self.assertIn("quality", reasons)
        self.assertRegex(reasons, r"failed in \d+ of \d+ pairs \(exit \d+\)")
        self.check_ledger()


if __name__ == "__main__":
    outcome = unittest.main(verbosity=2, exit=False).result
    # ctest shows a skipped test as skipped only by its exit status.
    all_skipped = outcome.testsRun == len(outcome.skipped)
    failed = outcome.testsRun == 0 or not outcome.wasSuccessful()
    sys.exit(1 if failed else 77 if all_skipped else 0)
