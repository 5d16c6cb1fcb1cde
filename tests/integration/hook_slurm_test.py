"""`amdahl hook slurm`, as slurmctld starts it: spools, returns at once, and never fails."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import unittest

from hook_setup import with_hooks
from http_client import Door
from stand import PROGRAM, Stand, amdahl, wait_until

EPILOG = {"SLURM_JOB_ID": "17", "SLURM_JOB_NAME": "al-vpcxt4ri6ij43prwldkql4mtti-1", "SLURM_JOB_USER": "mira",
          "SLURM_JOB_PARTITION": "gpu", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_JOB_EXIT_CODE2": "3:0",
          "SLURM_CLUSTER_NAME": "lab"}
JOBCOMP = {"JOBID": "18", "JOBNAME": "it's $(a) \"name\"\nof two lines", "JOBSTATE": "FAILED", "SUBMIT": "1795795030",
           "START": "1795795033", "END": "1795795043", "EXITCODE": "3:0", "NODES": "n1"}


class Hook(unittest.TestCase):
    program = (PROGRAM, "hook", "slurm")

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.spool = self.stand.folder / "spool"
        self.secret = None
        self.port = 1  # nobody listens there

    def start_service(self):
        self.stand.start_ledger()
        with_hooks(self.stand)
        self.secret = self.stand.state / "hook-1"
        service = self.stand.serve()
        self.port = service.wait_for("listening")[0]["port"]
        service.wait_for("leading")

    def words(self, *more):
        return [*map(str, self.program), "--server", f"http://127.0.0.1:{self.port}", "--spool",
                str(self.spool), "--secret-file", str(self.secret or self.own_secret()), *more]

    def own_secret(self):
        file = self.stand.folder / "secret"
        file.write_text("whsec_" + "QUFB" * 11 + "\n")
        file.chmod(0o600)
        return file

    def hook(self, variables):
        """As slurmctld does: an environment of its own, and its end is waited for."""
        return subprocess.run(self.words(), env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    def waiting(self):
        return sorted(self.spool.glob("*.json"))

    def stored(self):
        return self.here().get("/api/v1/webhooks/deliveries?limit=200").json()["deliveries"]

    def said(self, row):
        return self.here().get(f"/api/v1/webhooks/deliveries/{row['delivery']}").json()["body"]

    def here(self):
        return Door(socket_path=self.stand.state / "amdahl.sock")

    def test_an_end_reaches_the_ledger_from_either_of_slurms_doors(self):
        self.start_service()
        for variables in (EPILOG, JOBCOMP):
            done = self.hook(variables)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        rows = wait_until(lambda: len(self.stored()) == 2 and self.stored(), "both are stored")
        by_id = {row["native_id"]: row for row in rows}
        self.assertEqual(by_id["17"]["run_key"], EPILOG["SLURM_JOB_NAME"])
        self.assertEqual(by_id["17"]["kind"], "slurm.job.ended")
        data = self.said(by_id["18"])["data"]
        self.assertEqual(data["job_name"], JOBCOMP["JOBNAME"])
        self.assertEqual((data["state"], data["end"]), ("FAILED", "2026-11-27T15:57:23Z"))
        wait_until(lambda: not self.waiting(), "the spool is empty")

    def test_what_waited_for_the_service_goes_with_the_next_hook(self):
        self.secret = self.own_secret()
        done = self.hook(EPILOG)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(self.waiting()), 1)
        sender = wait_until(lambda: self.senders(), "a sender tries")
        for pid in sender:
            os.kill(pid, 9)
        wait_until(lambda: not self.senders(), "it is gone")
        self.start_service()
        self.assertEqual(self.hook(JOBCOMP).returncode, 0)
        rows = wait_until(lambda: len(self.stored()) == 2 and self.stored(), "both are stored")
        self.assertEqual({row["native_id"] for row in rows}, {"17", "18"})

    def senders(self, spool=None):
        """Processes that work in this spool: pids."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(spool or self.spool).encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def test_one_sender_waits_for_a_service_that_is_away_however_many_jobs_end(self):
        for _ in range(5):
            self.assertEqual(self.hook(EPILOG).returncode, 0)
        wait_until(lambda: len(self.senders()) == 1, "one is left", 20)
        self.assertEqual(len(self.waiting()), 5)
        for pid in self.senders():
            os.kill(pid, 9)

    def test_a_service_that_hangs_holds_nobody(self):
        with socket.socket() as door:  # takes the connection and says nothing
            door.bind(("127.0.0.1", 0))
            door.listen(8)
            self.port = door.getsockname()[1]
            # The pipe of its output must close as well: slurmctld may read it to its end.
            done = self.hook(EPILOG)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(self.senders())
            self.assertEqual(len(self.waiting()), 1)
            for pid in self.senders():
                os.kill(pid, 9)

    def test_the_sender_outlives_the_group_of_the_hook(self):
        """slurmctld kills the process group of its script as soon as that has ended."""
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            door.listen(64)
            self.port = door.getsockname()[1]
            for turn in range(10):
                spool = self.spool / str(turn)
                words = self.words()
                words[words.index("--spool") + 1] = str(spool)
                with subprocess.Popen(words, env=EPILOG, stdin=subprocess.DEVNULL, start_new_session=True) as hook:
                    self.assertEqual(hook.wait(60), 0)
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(hook.pid, 9)
                self.assertEqual(len(self.senders(spool)), 1, turn)
                for pid in self.senders(spool):
                    os.kill(pid, 9)

    def test_nothing_that_is_wrong_fails_the_hook(self):
        cases = [({}, None), ({**EPILOG, "SLURM_JOB_NAME": b"\xff\xfe broken"}, None),
                 ({**EPILOG, "SLURM_JOB_NAME": "x" * 100_000}, None), (EPILOG, "/proc/nowhere")]
        for variables, spool in cases:
            with self.subTest(spool=spool):
                words = self.words()
                if spool:
                    words[words.index("--spool") + 1] = spool
                done = subprocess.run(words, env=variables, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, 0, done.stderr)
        for file in self.waiting():
            self.assertEqual(json.loads(file.read_text())["data"]["job_id"], "17")
            self.assertLess(file.stat().st_size, 4096)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(len(self.waiting()), 2)
        for pid in self.senders():
            os.kill(pid, 9)

    def test_without_a_secret_the_spool_is_bounded_all_the_same(self):
        self.spool.mkdir()
        for number in range(10_001):
            (self.spool / f"hook_0{number:06}.json").touch()
        self.secret = self.stand.folder / "nowhere"
        self.assertEqual(self.hook(EPILOG).returncode, 0)
        wait_until(lambda: len(self.waiting()) == 10_000, "the oldest are dropped")
        self.assertFalse((self.spool / "hook_0000000.json").exists())
        self.assertFalse((self.spool / "hook_0000001.json").exists())
        self.assertIn("nowhere", (self.spool / "hook.log").read_text())

    def test_a_delivery_sent_twice_is_one(self):
        """The sender dies between the answer and the removal: its successor sends the same id."""
        self.start_service()
        self.spool.mkdir()
        body = json.dumps({"type": "slurm.job.ended", "data": {"job_id": "19"}})
        for _ in range(2):
            (self.spool / "hook_1.json").write_text(body)
            done = subprocess.run(self.words("--flush"), capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (0, "1 sent, 0 left\n"), done.stderr)
        self.assertEqual([row["native_id"] for row in self.stored()], ["19"])

    def test_what_cannot_be_put_aside_holds_nothing_up(self):
        self.start_service()
        self.hook(EPILOG)
        wait_until(lambda: not self.waiting(), "it is sent")
        refused = self.spool / "refused"
        refused.mkdir()
        for number in range(100):
            (refused / f"{number}.json").touch()
        stuck = self.spool / "hook_0.json"
        (stuck / "inside").mkdir(parents=True)  # no file, and no place is left for it
        (self.spool / "hook_1.json").write_text(json.dumps({"type": "slurm.job.ended", "data": {"job_id": "19"}}))
        done = subprocess.run(self.words("--flush"), capture_output=True, text=True, timeout=60)
        self.assertIn("1 sent, 1 left, 1 refused (see refused/): cannot remove", done.stdout)
        self.assertIn(str(stuck), done.stdout)
        self.assertEqual(self.waiting(), [stuck])

    def test_flush_says_what_went_what_was_refused_and_why_the_rest_stays(self):
        self.start_service()
        self.spool.mkdir()
        (self.spool / "hook_1.json").write_text("no JSON")
        (self.spool / "hook_2.json").write_text('{"type": "slurm.job.ended", "data": {"job_id": "2"}}')
        done = subprocess.run(self.words("--flush"), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^1 sent, 0 left, 1 refused \(see refused/\): answered 400: ")
        self.assertTrue((self.spool / "refused/hook_1.json").exists())
        (self.spool / "hook_3.json").write_text('{"type": "slurm.job.ended", "data": {"job_id": "3"}}')
        self.secret = self.own_secret()
        done = subprocess.run(self.words("--flush"), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stdout, r"^0 sent, 1 left: answered 401: no live secret made")
        self.assertTrue((self.spool / "hook_3.json").exists())

    def test_test_says_whether_the_service_takes_it(self):
        self.start_service()
        done = subprocess.run(self.words("--test", "--cluster", "local"), capture_output=True, text=True, timeout=60)
        self.assertRegex(done.stdout, rf"^http://127.0.0.1:{self.port} stored it: 202, \d+ ms\n$", done.stderr)
        done = subprocess.run(self.words("--test", "--cluster", "other"), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 8)
        self.assertIn("answered 401", done.stderr)
        self.port = 1
        done = subprocess.run(self.words("--test"), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertIn("no service answers at http://127.0.0.1:1", done.stderr)

    def test_the_printed_script_is_one(self):
        self.start_service()
        spool = self.stand.folder / "a spool; of 'quotes'"
        printed = amdahl("hook", "slurm", "--print-config", "--server", f"http://127.0.0.1:{self.port}", "--spool", spool,
                         "--secret-file", self.secret).stdout
        lines = printed.split("\n\n")[0].splitlines()
        script = self.stand.folder / "hook.sh"
        script.write_text("\n".join(lines[1:]) + "\n")
        script.chmod(0o755)
        done = subprocess.run([script], env=EPILOG, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        wait_until(lambda: [row["native_id"] for row in self.stored()] == ["17"], "it is stored")
        self.assertTrue(spool.is_dir())


class SmallHook(Hook):
    """amdahl-hook, which slurmctld starts: the same in all it does."""

    program = (PROGRAM.with_name("amdahl-hook"),)

    def test_a_command_line_that_it_does_not_know_fails_no_hook(self):
        copy = self.stand.folder / "amdahl-hook"
        shutil.copy2(self.program[0], copy)  # without amdahl beside it
        for variables, status in ((EPILOG, 0), (JOBCOMP, 0), ({}, 64)):
            done = subprocess.run([copy, "--neither", "known"], env=variables, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, status)
            self.assertIn("its command line is not known here", done.stderr)


if __name__ == "__main__":
    unittest.main()
