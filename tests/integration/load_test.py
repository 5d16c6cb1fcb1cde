"""A service under load by wrk, bounded in time: nothing breaks, nothing that was not stored is acknowledged."""

import unittest

from hook_setup import SECRET, with_hooks
from http_client import Door, make_token
from stand import PROGRAM, Stand, wait_until
from wrk_load import webhook_requests, wrk

SANITIZED = PROGRAM.parent.name in ("asan", "tsan")  # slow, and they keep what was freed
SECONDS = 9 if SANITIZED else 3
PATIENCE_S = 6 if SANITIZED else 2  # less than the load lasts: what never answers is seen
PACE = 500  # requests a second of one address
MEMORY_KIB_MAX = (1024 if SANITIZED else 256) * 1024


class UnderLoad(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        with_hooks(self.stand, idle="1s")
        self.service = self.stand.serve()
        self.port = self.service.wait_for("listening")[0]["port"]
        self.service.wait_for("leading")

    def load(self, requests, connections):
        return wrk(self.port, requests, self.stand.folder, connections, SECONDS, patience_s=PATIENCE_S)

    def check_well(self):
        here = Door(socket_path=self.stand.state / "amdahl.sock")
        self.assertEqual(here.get("/readyz").status, 200)
        self.assertEqual(self.service.events("http_bug"), [])

    def test_every_webhook_that_is_acknowledged_is_in_the_ledger(self):
        done = self.load(webhook_requests(SECRET, 40_000), connections=32)
        self.assertEqual(done["broken"], 0, done)
        self.assertLessEqual(set(done["answers"]), {"202", "200", "429"}, done)
        self.assertGreater(done["answers"]["202"], 100, done)
        stored = int(self.stand.sql("SELECT count(*) FROM amdahl.delivery"))
        # What was still on its way when wrk stopped may be stored without its answer having been counted.
        self.assertGreaterEqual(stored, done["answers"]["202"])
        self.assertLessEqual(stored, done["answers"]["202"] + 32)
        wait_until(lambda: self.stand.sql("SELECT count(*) FROM amdahl.delivery_waiting") == "0",
                   "the loop has looked because of all of them")
        self.check_well()

    def test_readers_are_answered_and_beyond_the_pace_told_to_wait(self):
        token = make_token(self.stand, "reader", "read")
        reads = [("GET /api/v1/status HTTP/1.1", {"Authorization": f"Bearer {token}"}, "")]
        done = self.load(reads, connections=64)
        self.assertEqual(done["broken"], 0, done)
        self.assertLessEqual(set(done["answers"]), {"200", "429", "503"}, done)
        self.assertGreater(done["answers"]["200"], 100, done)
        done = self.load([("GET /healthz HTTP/1.1", {}, "")], connections=64)
        self.assertEqual(done["broken"], 0, done)
        self.assertLessEqual(set(done["answers"]), {"200", "429"}, done)
        # Two seconds' worth at once, then the pace; a slow build does not get there.
        self.assertLessEqual(done["answers"]["200"], PACE * (2 + done["seconds"]) + PACE / 2, done)
        self.check_well()

    def test_requests_that_are_refused_cost_no_memory(self):
        junk = [("POST /hooks/generic HTTP/1.1", {"Content-Length": 20000}, "x" * 20000),
                ("GET /api/v1/nothing HTTP/1.1", {}, ""), ("BREW /pot HTTP/1.1", {}, "")]
        done = self.load(junk, connections=64)
        self.assertEqual(done["broken"], 0, done)
        self.assertFalse(set(done["answers"]) & {"200", "202", "500"}, done)
        with open(f"/proc/{self.service.pid()}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        self.assertLess(peak, MEMORY_KIB_MAX)
        self.check_well()


if __name__ == "__main__":
    unittest.main()
