"""schemathesis (script/setup installs it) asks a running service whatever /openapi.json says it may be
asked: no answer is a 500, none has a status, a content type or a body that the document does not name."""

import base64
import json
import re
import subprocess
import unittest

from hook_setup import SECRET, configure, secret_file, with_hooks
from http_client import Door, answers, make_token, raw, signed
from http_document import Document
from stand import SOURCE, Stand, amdahl

PROGRAM = SOURCE / "build/python-tools/bin/schemathesis"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


class OfTheDocument(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        # So that each door is open: a closed one answers but one thing.
        with_hooks(self.stand)
        key = secret_file(self.stand, "post-key", "a secret that makes the tokens of these tests")
        configure(self.stand, f'[service]\npost_key_file = "{key}"\n', "post.toml")
        added = amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config)
        self.assertEqual(added.returncode, 0, added.stderr)
        self.service = self.stand.serve()
        self.port = self.service.wait_for("listening")[0]["port"]
        self.service.wait_for("leading")

    def test_hooks_and_the_stream_answer_as_it_says(self):
        document = Document(Door(port=self.port))
        door = Door(port=self.port, document=document)
        shut = "whsec_" + base64.b64encode(b"somebody else's secret, 32 bytes").decode()

        def post(path, data, headers, **more):
            answer = door.ask("POST", path, data, {**headers, **more})
            return answer.status, answer.json().get("result") or answer.kind()

        for path in ("/hooks/slurm", "/hooks/kubernetes", "/hooks/generic"):
            with self.subTest(path=path):
                data = json.dumps({"type": "a.b", "data": {"cluster": "local"}}).encode()
                headers = signed(SECRET, data)
                self.assertEqual(post(path, data, headers), (202, "stored"))
                self.assertEqual(post(path, data, headers), (200, "duplicate"))
                self.assertEqual(post(path, data, signed(shut, data)), (401, "bad-signature"))
                self.assertEqual(post(path, data, signed(SECRET, data, at=1)), (401, "stale-time"))
                self.assertEqual(post(path, b"[]", signed(SECRET, b"[]")), (400, "bad-request"))
                self.assertEqual(post(path, data, {**signed(SECRET, data), "Content-Type": "text/plain"}),
                                 (415, "unsupported-media-type"))
                self.check_too_large(document, path)
        path, record = "/hooks/slurm-es/a-token-of-these-tests-0123456789/_doc", b'{"jobid": 7, "cluster": "local"}'
        typed = {"Content-Type": "application/json"}
        self.assertEqual(post(path, record, typed)[0], 201)
        self.assertEqual(post(path.replace("0123", "3210"), record, typed), (401, "wrong-token"))
        self.assertEqual(post(path, record, {"Content-Type": "text/plain"}), (415, "unsupported-media-type"))
        self.check_too_large(document, path)
        for headers, status in (({}, 204), ({"WebHook-Request-Origin": "a.example"}, 200),
                                ({"WebHook-Request-Origin": "no name"}, 400)):
            self.assertEqual(door.ask("OPTIONS", "/hooks/generic", headers=headers).status, status)
        reader = Door(port=self.port, token=make_token(self.stand, "reader", "read"), document=document)
        reader.stream("/api/v1/stream").begun().close()
        self.assertEqual(reader.get("/api/v1/stream?topics=odd").kind(), "bad-request")
        self.assertEqual(door.get("/api/v1/stream").kind(), "no-token")

    def check_too_large(self, document, path):
        [answer] = answers(raw(self.port, f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n".encode()))
        self.assertEqual(answer[0], 413)
        document.check("POST", path, *answer)

    def test_what_a_peer_on_a_network_or_without_a_ledger_gets_is_in_it(self):
        """No test has a network; the tables say who needs what."""
        paths = Document(Door(port=self.port)).json["paths"]
        everywhere = {"400", "413", "431", "500", "503"}
        for path, methods in paths.items():
            for method, operation in methods.items():
                with self.subTest(path=path, method=method):
                    wanted = everywhere | ({"401"} if method != "options" else set())
                    self.assertLessEqual(wanted, set(operation["responses"]))
                    self.assertEqual("429" in operation["responses"], method != "options")

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
