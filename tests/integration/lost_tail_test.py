"""A real standby that never got the end of the ledger is promoted: nothing may be done on what is left."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

from service_test import WithStand
from stand import amdahl, wait_until


class LostTail(WithStand):
    """A standby is promoted that never got the end of the ledger."""

    def setUp(self):
        super().setUp()
        self.stand.start_ledger(gpus=1)  # one run at a time: each is armed alone
        self.standby = Standby(self.stand)
        self.addCleanup(self.standby.stop)
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        wait_until(lambda: len(self.stand.executions()) >= 6, "three runs ran")
        ran = len(self.stand.executions())
        wait_until(lambda: len(self.stand.executions()) > ran, "one more leg began")
        service.kill()

    def armed(self, before_last):
        """The transaction that armed a run: the last one, or one before."""
        return self.stand.sql("SELECT intent_xid FROM amdahl.worker_run WHERE intent_xid IS NOT NULL "
                              f"ORDER BY run_id DESC OFFSET {before_last} LIMIT 1")

    def runs(self):
        """Every run whose submit reached the machine."""
        found = {path.name for path in (self.stand.state / "runs").glob("*/al-*")}
        self.assertTrue(found)
        return found

    def test_a_tail_of_several_runs_is_missed(self):
        self.check_a_promoted_standby_stops_all(self.armed(before_last=2))

    def test_a_tail_that_begins_with_the_arming_is_missed_by_every_later_leader(self):
        self.check_a_promoted_standby_stops_all(self.armed(before_last=0))

    def check_a_promoted_standby_stops_all(self, transaction):
        self.assertTrue(transaction)
        self.standby.promote_before(transaction)
        self.stand.crash_ledger()
        runs = self.runs()
        for _ in range(2):  # each leader makes the ledger grow towards what it lost
            service = self.stand.serve(config=self.standby.config)
            wait_until(lambda: len(service.events("ledger_rewound")) >= 2, "it says that the ledger was rewound")
            status = amdahl("status", "-o", "json", config=self.standby.config)
            self.assertIn("the ledger was rewound", status.stdout)
            self.assertEqual(service.stop(), 0)
        self.assertEqual(self.runs(), runs)
        self.check_each_leg_ran_once()


class Standby:
    """A copy of a stand's ledger, that streams what came since once it is started."""

    def __init__(self, stand):
        self._stand = stand
        lines = (stand.state / "ledger/postmaster.pid").read_text().split("\n")
        self._folder = stand.folder / "standby"
        self._folder.mkdir()
        owner = stand.state / "ledger"
        shutil.chown(self._folder, owner.owner(), owner.group())
        self._data = self._folder / "data"
        with open(owner / "pg_hba.conf", "a", encoding="utf-8") as rules:
            rules.write("local replication all trust\n")
        os.kill(stand.postmaster(), signal.SIGHUP)
        wait_until(lambda: self._run("pg_basebackup", "-h", lines[4], "-p", lines[3], "-U", "amdahl_owner",
                                     "-D", self._data, "-R", "-X", "stream", "-c", "fast") == 0,
                   "the ledger is copied", seconds=30)
        url = stand.folder / "standby-url"
        url.write_text((stand.state / "secrets/ledger-url").read_text().replace(lines[4], str(self._folder)))
        url.chmod(0o600)
        self.config = stand.folder / "standby.toml"
        text = stand.config.read_text().replace(str(stand.state / "secrets/ledger-url"), str(url))
        self.config.write_text(text + '[loop]\nlease_ttl = "3s"\n')

    def promote_before(self, transaction):
        with open(self._data / "postgresql.auto.conf", "a", encoding="utf-8") as settings:
            settings.write(f"unix_socket_directories = '{self._folder}'\nrecovery_target_xid = '{transaction}'\n"
                           "recovery_target_inclusive = off\nrecovery_target_action = promote\n")
        assert self._run("pg_ctl", "-D", self._data, "-l", self._folder / "log", "-s", "-w", "start") == 0
        wait_until(lambda: not (self._data / "standby.signal").exists(), "the standby is promoted", seconds=30)

    def stop(self):
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-s", "stop")

    def _run(self, program, *words):
        command = self._stand.as_owner(self._stand.pg_program(program), *words)
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
                              timeout=60, check=False).returncode


if __name__ == "__main__":
    outcome = unittest.main(verbosity=2, exit=False).result
    # ctest shows a skipped test as skipped only by its exit status.
    all_skipped = outcome.testsRun == len(outcome.skipped)
    failed = outcome.testsRun == 0 or not outcome.wasSuccessful()
    sys.exit(1 if failed else 77 if all_skipped else 0)
