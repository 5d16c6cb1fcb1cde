"""Who asks a running service, and with what: tokens, and the program itself."""

import http.client
import json
import unittest

from cli_loop_test import violation
from stand import Stand, amdahl, wait_until


class WithService(unittest.TestCase):
    """One ledger and one service for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand()
        cls.addClassCleanup(cls.stand.remove)
        cls.stand.start_ledger()
        cls.service = cls.stand.serve()
        cls.port = cls.service.wait_for("listening")[0]["port"]
        cls.service.wait_for("leading")

    def say(self, *words, code=0, environment=None):
        done = amdahl(*words, config=self.stand.config, environment=environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def check_schema(self, document):
        name = document["schema"].removeprefix("amdahl.").removesuffix("/v1")
        schema = json.loads(amdahl("schema", name).stdout)
        self.assertEqual(violation(schema, schema, document), "")


class Tokens(WithService):
    def create(self, name, *words):
        return self.say("token", "create", name, *words).stdout.strip()

    def status_of(self, token, method="GET", path="/api/v1/status", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def test_a_token_opens_what_its_scope_holds_and_nothing_else(self):
        token = self.create("reader", "--scope", "read")
        self.assertRegex(token, r"^amd_[a-z2-7]{52}$")
        self.assertEqual(self.status_of(token), 200)
        self.assertEqual(self.status_of(token, "POST", "/api/v1/loop:pause", "{}"), 403)
        self.assertEqual(self.status_of(self.create("worker", "--scope", "operate"), "POST",
                                        "/api/v1/loop:resume", "{}"), 200)

    def test_without_a_token_or_with_a_wrong_one_nothing_opens(self):
        self.assertEqual(self.status_of(None), 401)
        self.assertEqual(self.status_of("amd_" + "a" * 52), 401)

    def test_a_revoked_token_opens_nothing_within_three_seconds(self):
        token = self.create("gone", "--scope", "admin")
        self.assertEqual(self.status_of(token), 200)
        self.say("token", "revoke", "gone")
        wait_until(lambda: self.status_of(token) == 401, "the token is forgotten", seconds=3)
        self.say("token", "revoke", "gone", code=5)

    def test_an_expired_token_opens_nothing(self):
        token = self.create("short", "--scope", "read", "--expires", "1ms")
        wait_until(lambda: self.status_of(token) == 401, "the token expires", seconds=5)
        rows = self.stand.ask("token", "list")["tokens"]
        self.assertEqual([row["state"] for row in rows if row["name"] == "short"], ["expired"])

    def test_a_name_is_taken_until_it_is_revoked(self):
        self.create("twice", "--scope", "read")
        taken = self.say("token", "create", "twice", "--scope", "read", code=7)
        self.assertIn("there is a token twice already", taken.stderr)
        self.say("token", "revoke", "twice")
        self.create("twice", "--scope", "read")

    def test_documents_keep_their_schemas_and_only_the_first_holds_the_secret(self):
        made = self.stand.ask("token", "create", "document", "--scope", "propose", "--expires", "90d")
        self.check_schema(made)
        self.assertRegex(made["expires_at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        listed = self.stand.ask("token", "list")
        self.check_schema(listed)
        self.assertNotIn(made["token"], json.dumps(listed))
        self.check_schema(self.stand.ask("token", "revoke", "document"))
        quiet = self.say("token", "create", "quiet", "--scope", "read", "-q")
        self.assertRegex(quiet.stdout, r"^amd_[a-z2-7]{52}\n$")
        self.assertEqual(quiet.stderr, "")


if __name__ == "__main__":
    unittest.main()
