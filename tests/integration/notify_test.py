"""What the service tells its manager, and the unit that makes it one."""

import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from stand import PROGRAM, SOURCE, Stand, wait_until

UNIT = SOURCE / "packaging/systemd/amdahl.service"
DROP_IN = SOURCE / "packaging/systemd/local-runs.conf"


class Manager:
    """Plays systemd: takes what is sent to NOTIFY_SOCKET."""

    def __init__(self, address):
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._door.bind(address.replace("@", "\0", 1))
        self._seen = []

    def close(self):
        self._door.close()

    def next(self, seconds=60):
        """The lines of the next message; None where none came in time."""
        if not select.select([self._door], [], [], seconds)[0]:
            return None
        self._seen.append(self._door.recv(4096).decode())
        return self._seen[-1].split("\n")

    def wait_for(self, word, seconds=20):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            lines = self.next(left)
            if lines and word in lines:
                return lines
        raise AssertionError(f"no {word} within {seconds} s; there were {self._seen}")


class WithManager(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()

    def serve(self, address=None, watchdog_s=None, **more):
        address = address or str(self.stand.folder / "notify")
        manager = Manager(address)
        self.addCleanup(manager.close)
        environment = {"NOTIFY_SOCKET": address, **more}
        if watchdog_s:
            environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        return self.stand.serve(environment=environment), manager


class Notified(WithManager):
    def test_it_is_ready_reloads_and_stops_and_says_so(self):
        for address in (None, f"@amdahl-{os.getpid()}-notify"):
            with self.subTest(address=address):
                service, manager = self.serve(address)
                manager.wait_for("READY=1")
                port = service.events("listening")[0]["port"]
                socket.create_connection(("127.0.0.1", port), timeout=10).close()
                manager.wait_for("STATUS=leading")
                service.signal(signal.SIGHUP)
                lines = manager.wait_for("RELOADING=1")
                moment = int(re.fullmatch(r"MONOTONIC_USEC=(\d+)", lines[1])[1])
                self.assertLess(abs(time.monotonic() - moment / 1e6), 60)
                manager.wait_for("READY=1")
                self.assertEqual(service.stop(), 0)
                manager.wait_for("STOPPING=1")

    def test_a_follower_is_ready_too_and_says_whom_it_follows(self):
        first = self.stand.serve()
        first.wait_for("leading")
        service, manager = self.serve()
        manager.wait_for("READY=1")
        leader = service.wait_for("following")[0]["leader"]
        manager.wait_for(f"STATUS=following {leader}")

    def test_a_manager_that_is_gone_is_said_once_and_holds_nothing(self):
        service = self.stand.serve(environment={"NOTIFY_SOCKET": str(self.stand.folder / "nobody")})
        service.wait_for("leading")
        service.signal(signal.SIGHUP)
        service.wait_for("reloaded")
        self.assertEqual(service.stop(), 0)
        self.assertEqual(len(service.events("notify_failed")), 1)


class Watched(WithManager):
    def test_the_loop_tells_twice_in_the_watchdogs_time_and_not_much_more(self):
        _, manager = self.serve(watchdog_s=2)
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        begun = time.monotonic()
        for _ in range(3):
            manager.wait_for("WATCHDOG=1", seconds=2)
        self.assertGreater(time.monotonic() - begun, 2)

    def test_it_is_told_while_the_ledger_stands_still(self):
        service, manager = self.serve(watchdog_s=20)
        service.wait_for("leading")
        processes = self.stand.server_processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            service.wait_for("ledger_unavailable")
            manager.wait_for("STATUS=the ledger does not answer")
            manager.wait_for("WATCHDOG=1", seconds=20)
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        manager.wait_for("STATUS=leading")

    def test_a_process_that_hangs_tells_nothing(self):
        service, manager = self.serve(watchdog_s=1)
        manager.wait_for("WATCHDOG=1")
        service.signal(signal.SIGSTOP)
        while manager.next(0):
            pass  # sent before it stood still
        self.assertIsNone(manager.next(2))
        service.signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG=1")

    def test_a_watchdog_of_another_process_is_not_fed(self):
        service, manager = self.serve(watchdog_s=1, WATCHDOG_PID="1")
        manager.wait_for("READY=1")
        service.wait_for("leading")
        until = time.monotonic() + 3
        while (left := until - time.monotonic()) > 0:
            self.assertNotIn("WATCHDOG=1", manager.next(left) or [])


class Unit(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-unit-"))
        self.addCleanup(shutil.rmtree, self.root)

    def verify(self, text, drop_in=None):
        """What systemd says of the unit, with the program that was built."""
        text = text.replace("/usr/bin/amdahl ", f"{PROGRAM} ").replace("User=amdahl", "User=daemon")
        unit = self.root / "amdahl.service"
        unit.write_text(text.replace("Group=amdahl", "Group=daemon"))
        if drop_in:
            folder = self.root / "amdahl.service.d"
            folder.mkdir(exist_ok=True)
            (folder / "local-runs.conf").write_text(drop_in)
        # Only what it says of ours: the rest is about units of the machine that the test runs on.
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, env={**os.environ, "SYSTEMD_LOG_LEVEL": "notice"})
        about = [line for line in done.stdout.split("\n") if "amdahl" in line or "local-runs" in line]
        return done.returncode, about

    def test_systemd_accepts_it_with_and_without_the_drop_in(self):
        text = UNIT.read_text()
        self.assertEqual(self.verify(text), (0, []))
        self.assertEqual(self.verify(text, DROP_IN.read_text()), (0, []))

    def test_a_mistake_in_it_would_be_found(self):
        _, about = self.verify(UNIT.read_text().replace("KillMode=process", "KillMod=process"))
        self.assertTrue(any("KillMod" in line for line in about), about)
        _, about = self.verify(UNIT.read_text().replace("@system-service", "@system-services"))
        self.assertTrue(any("system-services" in line for line in about), about)

    def test_it_leaves_runs_alone_and_is_shut_in(self):
        settings = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.M))
        for key, value in (("Type", "notify"), ("KillMode", "process"), ("NoNewPrivileges", "yes"),
                           ("CapabilityBoundingSet", ""), ("ProtectSystem", "strict"),
                           ("MemoryDenyWriteExecute", "yes"), ("SystemCallFilter", "@system-service")):
            self.assertEqual(settings[key], value, key)
        self.assertGreater(int(settings["WatchdogSec"]), 2 * 7)  # the ledger's longest wait, and more


if __name__ == "__main__":
    unittest.main()
