"""schemathesis (script/setup installs it) asks a running service whatever /openapi.json says it may be
asked: no answer is a 500, none has a status, a content type or a body that the document does not name."""

import re
import subprocess
import unittest

from http_client import make_token
from stand import SOURCE, Stand, amdahl

PROGRAM = SOURCE / "build/python-tools/bin/schemathesis"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


class OfTheDocument(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        added = amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config)
        self.assertEqual(added.returncode, 0, added.stderr)
        self.service = self.stand.serve()
        self.port = self.service.wait_for("listening")[0]["port"]
        self.service.wait_for("leading")

    def ask(self, *flags):
        return subprocess.run([PROGRAM, "run", f"http://127.0.0.1:{self.port}/openapi.json",
                               "--checks", CHECKS, "--max-examples", "12", "--request-timeout", "30",
                               "--generation-deterministic", "--suppress-health-check", "all",
                               # It does not end by itself; http_test.py has it.
                               "--exclude-path", "/api/v1/stream", *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500,
                              cwd=self.stand.folder)

    def check(self, done):
        self.assertEqual(done.returncode, 0, done.stdout[-8000:])
        generated, passed = map(int, re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups())
        self.assertGreater(generated, 700)
        self.assertEqual(generated, passed)
        selected, tested = (int(re.search(rf"{word}: +(\d+)", done.stdout)[1]) for word in ("Selected", "Tested"))
        self.assertEqual(selected, tested)
        self.assertNotIn("Unresolvable", done.stdout)
        self.assertTrue(self.service.lives())
        self.assertEqual(self.service.events("http_bug"), [])

    def test_with_every_right(self):
        token = make_token(self.stand, "everything", "admin")
        self.check(self.ask("-H", f"Authorization: Bearer {token}"))

    def test_with_none(self):
        self.check(self.ask())


if __name__ == "__main__":
    unittest.main()
