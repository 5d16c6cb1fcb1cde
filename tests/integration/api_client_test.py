"""Who asks a running service, and with what: tokens, and the program itself."""

import http.client
import json
import signal
import subprocess
import unittest

import certificates
from cli_loop_test import violation
from http_client import Door
from http_document import Document
from stand import PROGRAM, Stand, amdahl, wait_until


class WithService(unittest.TestCase):
    """One ledger and one service for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand()
        cls.addClassCleanup(cls.stand.remove)
        cls.stand.start_ledger()
        cls.stand.set_lease("3s")
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


READS = (["jobs"], ["jobs", "show", "threefold"], ["experiments"], ["experiments", "--state", "decided"],
         ["runs"], ["runs", "EXP-1"], ["runs", "EXP-1", "--state", "ended", "--limit", "1"], ["bank"],
         ["bank", "--since", "30d"], ["rank"], ["explain", "EXP-1"], ["explain", "H-1"],
         ["explain", "threefold"], ["champion", "threefold"])


class ThroughService(WithService):
    """Nothing is tried: the service only observes what a person asks for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stand.ask("jobs", "add", cls.stand.threefold())
        wait_until(lambda: cls.stand.ask("experiments", "--state", "decided")["experiments"], "a verdict")
        amdahl("pause", config=cls.stand.config)
        cls.blank = cls.stand.folder / "blank.toml"
        cls.blank.write_text(f'[service]\nstate_dir = "{cls.stand.folder}/elsewhere"\n')

    def far(self, token, *words, code=0, port=None):
        """As on another machine: no ledger, only an address and a token."""
        environment = {"AMDAHL_SERVER": f"http://127.0.0.1:{port or self.port}"}
        if token:
            secret = self.stand.folder / f"token-{token}"
            if not secret.exists():
                secret.touch(0o600)
                secret.write_text(self.say("token", "create", f"far-{token}", "--scope", token, "-q").stdout)
            environment["AMDAHL_TOKEN_FILE"] = str(secret)
        done = amdahl(*words, config=self.blank, environment=environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_the_service_of_this_machine_is_asked_and_else_the_ledger_with_the_same_answers(self):
        self.assertIn("asking the service at unix:", self.say("jobs", "-v").stderr)
        wait_until(lambda: not self.stand.ask("runs", "--state", "running")["runs"], "the legs end")
        by_service = [self.stand.ask(*words) for words in READS]
        far = [json.loads(self.far("read", *words, "-o", "json").stdout) for words in READS]
        self.service.signal(signal.SIGSTOP)
        try:
            self.assertIn("asking the ledger itself", self.say("jobs", "-v").stderr)
            itself = [self.stand.ask(*words) for words in READS]
        finally:
            self.service.signal(signal.SIGCONT)
        for words, one, other, third in zip(READS, by_service, itself, far):
            with self.subTest(words=words):
                self.assertEqual(one, other)
                self.assertEqual(third, other)

    def test_what_there_is_to_an_experiment_and_a_waste_has_its_schema(self):
        plain = Door(socket_path=self.stand.state / "amdahl.sock")
        here = Door(socket_path=self.stand.state / "amdahl.sock", document=Document(plain))
        asked = {path: here.get(f"/api/v1/{path}") for path in (
            "experiments/EXP-1", "experiments/1/votes", "experiments/EXP-1/lineage", "experiments/EXP-1/runs",
            "wastes", "wastes/threefold", "fleet/summary", "jobs/threefold", "bank/balance")}
        self.assertEqual({path: answer.status for path, answer in asked.items()}, dict.fromkeys(asked, 200))
        documents = {path: answer.json() for path, answer in asked.items()}
        for document in documents.values():
            self.check_schema(document)
        experiment, votes = documents["experiments/EXP-1"], documents["experiments/1/votes"]
        self.assertEqual([votes[name] for name in ("experiment", "checks", "upholds", "refutes")],
                         [experiment[name] for name in ("experiment", "checks", "upholds", "refutes")])
        self.assertEqual(documents["experiments/EXP-1/lineage"]["experiment"]["name"], "EXP-1")
        runs = documents["experiments/EXP-1/runs"]["runs"]
        self.assertTrue(runs)
        self.assertEqual({run["experiment"] for run in runs}, {1})
        self.assertEqual(documents["wastes"]["jobs"], [without_schema(documents["wastes/threefold"])])
        # A known idea is answered with what is known.
        idea = {"job": "threefold", "changes": [{"kind": "arg", "name": "pace", "value": "fast"}]}
        answer = here.post("/api/v1/hypotheses", idea)
        self.assertEqual((answer.status, answer.json()["known"]), (201, True))
        self.check_schema(answer.json())

    def test_an_experiment_is_aborted_only_as_it_was_seen(self):
        here = Door(socket_path=self.stand.state / "amdahl.sock")
        path = "/api/v1/experiments/EXP-1"
        tag = here.get(path).headers["etag"]
        asked = "SELECT count(*) FROM amdahl.command WHERE verb = 'abort'"
        for sent, status, kind in (({}, 428, "precondition-required"),
                                   ({"If_Match": '"exp-1.open.0"'}, 412, "precondition-failed"),
                                   ({"If_Match": f'"zz", W/{tag}'}, 412, "precondition-failed")):
            answer = here.post(f"{path}:abort", {"reason": "seen"}, **sent)
            self.assertEqual((answer.status, answer.kind()), (status, kind))
        self.assertEqual(self.stand.sql(asked), "0")
        # It is decided: asked, the leader finds none that could be aborted.
        for number, sent in enumerate((tag, "*", f'"zz", {tag}'), 1):
            answer = here.post(f"{path}:abort", {"reason": "seen"}, If_Match=sent)
            self.assertEqual((answer.status, answer.kind()), (404, "not-found"))
            self.assertEqual(self.stand.sql(asked), str(number))

    def test_what_is_not_there_or_asked_wrongly_is_said_as_by_the_ledger(self):
        for words, code in ((["explain", "EXP-999"], 5), (["jobs", "show", "nobody"], 5),
                            (["experiments", "--state", "odd"], 2), (["approve", "H-999"], 5)):
            with self.subTest(words=words):
                self.say(*words, code=code)

    def test_a_token_may_do_over_tcp_what_its_scope_says(self):
        self.assertEqual(json.loads(self.far("read", "status", "-o", "json").stdout)["jobs"], 1)
        self.assertIn("token create", self.far("read", "pause", code=6).stderr)
        idea = self.stand.folder / "idea.toml"
        idea.write_text('job = "threefold"\n[arg]\npace = "fast"\n')
        self.assertTrue(json.loads(self.far("propose", "propose", "-f", idea, "-o", "json").stdout)["known"])
        self.assertIn("far", self.far("propose", "resume", code=6).stderr)
        self.far("operate", "pause", "--reason", "still")
        self.assertIn("this needs a token", self.far(None, "status", code=6).stderr)

    def test_a_service_that_is_named_must_answer(self):
        done = self.far(None, "status", code=4, port=1)
        self.assertIn("no service answers at http://127.0.0.1:1", done.stderr)
        self.assertIn("is no address of a service", self.say("status", "--server", "ftp://x", code=2).stderr)
        self.say("status", "--server", f"unix:{self.stand.folder}/none.sock", code=4)

    def test_a_token_is_not_shown_to_the_network(self):
        secret = self.stand.folder / "secret"
        secret.touch(0o600)
        secret.write_text("amd_x")
        done = self.say("status", "--server", "http://192.0.2.1", code=6,
                        environment={"AMDAHL_TOKEN_FILE": str(secret)})
        self.assertIn("https://", done.stderr)


def without_schema(document):
    return {name: member for name, member in document.items() if name != "schema"}


class Watching(WithService):
    def watch(self, *words):
        out = open(self.stand.folder / "watch.log", "wb")
        watch = subprocess.Popen([PROGRAM, "--config", self.stand.config, "watch", "-o", "jsonl", *words],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
        self.addCleanup(out.close)
        self.addCleanup(watch.stderr.close)
        self.addCleanup(lambda: watch.poll() is None and (watch.kill(), watch.wait(10)))
        return watch

    def seen(self):
        text = (self.stand.folder / "watch.log").read_text()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def kinds(self, kind):
        return len([event for event in self.seen() if event["kind"] == kind])

    def test_a_watcher_sees_each_event_once_though_the_service_dies_meanwhile(self):
        head = self.stand.ask("status")["loop"]["head_seq"]
        watch = self.watch("--after", str(head), "-v")
        self.say("pause", "--reason", "one")
        wait_until(lambda: self.kinds("loop_paused") == 1, "the first pause is seen")
        self.service.kill()
        self.say("resume", "--reason", "by the ledger itself")
        self.assertIsNone(watch.poll())
        self.stand.serve().wait_for("listening")
        wait_until(lambda: self.kinds("loop_resumed") == 1, "what was missed is seen")
        sequence = [event["seq"] for event in self.seen()]
        self.assertEqual(sequence, sorted(set(sequence)))
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(10), 130)
        self.assertIn(b"asking the service", watch.stderr.read())

    def test_a_watcher_from_beyond_the_end_is_told_so_and_goes_on(self):
        watch = self.watch("--after", "999999999", "--timeout", "60s")
        told = watch.stderr.readline().decode()
        self.assertRegex(told, r"^amdahl: the ledger ends at event \d+: it lost its tail, or is another one\n$")
        end = int(told.split()[6].rstrip(":"))
        self.say("pause", "--reason", "after it")
        self.addCleanup(self.say, "resume")
        wait_until(lambda: self.kinds("loop_paused") == 1, "what comes from now on is seen")
        self.assertGreater(self.seen()[0]["seq"], end)

    def test_a_watcher_ends_at_its_deadline(self):
        self.assertEqual(self.watch("--timeout", "1s").wait(30), 124)


class OverTls(unittest.TestCase):
    def test_the_certificate_must_be_of_a_known_authority_and_of_this_name(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        folder = self.stand.folder
        certificates.chain(folder, "IP:127.0.0.1")
        certificates.self_signed(folder / "other.key", folder / "other.pem", "other")
        (self.stand.state / "conf.d/tls.toml").write_text(
            f'[service]\ntls_certificate = "{folder}/chain.pem"\ntls_key = "{folder}/leaf.key"\n')
        port = self.stand.serve().wait_for("listening")[0]["port"]
        secret = folder / "token"
        secret.touch(0o600)
        made = amdahl("token", "create", "tls", "--scope", "read", "-q", config=self.stand.config)
        secret.write_text(made.stdout)

        def ask(host, authority):
            config = folder / "client.toml"
            config.write_text(f'[client]\ntoken_file = "token"\nca_file = "{authority}.pem"\n')
            return amdahl("status", "--server", f"https://{host}:{port}", config=config)

        good = ask("127.0.0.1", "root")
        self.assertEqual(good.returncode, 0, good.stderr)
        for host, authority in (("127.0.0.1", "other"), ("localhost", "root")):
            with self.subTest(host=host, authority=authority):
                bad = ask(host, authority)
                self.assertEqual(bad.returncode, 4, bad.stderr)
                self.assertIn("certificate", bad.stderr)


if __name__ == "__main__":
    unittest.main()
