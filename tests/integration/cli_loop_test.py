"""The program as people use it: a private ledger, a real job, every command, its documents."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from stand import PROGRAM, Stand, amdahl


class Loop(unittest.TestCase):
    """One ledger for all tests: the fixture whose `fast` is three times as fast as its `slow`."""

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand()
        cls.folder, cls.state, cls.config = cls.stand.folder, cls.stand.state, cls.stand.config
        cls.dev = amdahl("dev", cls.stand.threefold(), "--state-dir", cls.state, "--gpus", 2, "--cpus", 2,
                         "--until-idle", "--keep-ledger")

    @classmethod
    def tearDownClass(cls):
        cls.stand.remove()

    def ask(self, *words):
        return self.stand.ask(*words)

    def win(self):
        rows = self.ask("experiments", "--outcome", "win")["experiments"]
        self.assertEqual(len(rows), 1)
        return rows[0]

    def test_dev_reaches_the_verdict_and_ends(self):
        self.assertEqual(self.dev.returncode, 0, self.dev.stderr)
        win = self.win()
        self.assertGreater(win["saving"], 0.4)
        self.assertEqual(win["change"], [{"kind": "arg", "name": "pace", "value": "fast"}])

    def test_documents_keep_their_schemas(self):
        name = self.win()["name"]
        for words, schema in ((["status"], "status"), (["experiments"], "experiments"), (["explain", name], "experiment"),
                              (["jobs"], "jobs"), (["jobs", "show", "threefold"], "job"), (["runs"], "runs"),
                              (["bank"], "bank"), (["rank"], "rank"), (["champion", "threefold"], "champion"),
                              (["ledger", "verify"], "verify"), (["explain", "H-1"], "hypothesis"),
                              (["explain", name, "--recompute"], "recompute"), (["doctor"], "doctor"),
                              (["cycle", "--once", "--dry-run"], "cycle_plan"), (["config", "show"], "config"),
                              (["db", "migrate", "--plan"], "migrations"), (["logs", name], "logs")):
            with self.subTest(words=words):
                document = self.ask(*words)
                self.assertEqual(document["schema"], f"amdahl.{schema}/v1")
                check = json.loads(amdahl("schema", schema).stdout)
                self.assertEqual(violation(check, check, document), "")

    def test_a_known_idea_is_answered_with_its_verdict(self):
        idea = self.folder / "idea.toml"
        idea.write_text('job = "threefold"\n[arg]\npace = "fast"\n')
        answer = self.ask("propose", "-f", idea)
        self.assertTrue(answer["known"])
        self.assertEqual(answer["experiment"]["name"], self.win()["name"])

    def test_nothing_left_ends_with_nine(self):
        self.assertEqual(amdahl("cycle", "--once", config=self.config).returncode, 9)

    def test_a_run_of_the_champion_is_banked(self):
        before = self.ask("bank")["banked_gpu_hours"]
        run = self.ask("run", "threefold")
        self.assertEqual(run["outcome"], "succeeded")
        self.assertGreater(self.ask("bank")["banked_gpu_hours"], before)

    def test_what_the_champion_prints_runs(self):
        line = amdahl("champion", "threefold", "--as", "args", config=self.config).stdout
        self.assertIn("fast", line)
        back = amdahl("champion", "threefold", "--as", "args", "--rollback", config=self.config).stdout
        self.assertIn("slow", back)

    def test_pause_and_resume_need_no_service(self):
        self.assertEqual(amdahl("pause", "--reason", "test", config=self.config).returncode, 0)
        self.assertEqual(amdahl("resume", config=self.config).returncode, 0)

    def test_a_second_dev_in_the_same_folder_is_refused(self):
        first = subprocess.Popen([PROGRAM, "dev", "--state-dir", self.state, "--keep-ledger", "-q"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 30
            while self.ask("status")["loop"]["state"] != "running":
                self.assertLess(time.monotonic(), until, "dev does not lead")
            second = amdahl("dev", "--state-dir", self.state)
            self.assertEqual(second.returncode, 7)
            self.assertIn(f"process {first.pid}", second.stderr)
            self.assertEqual(amdahl("pause", config=self.config).returncode, 0)
            self.assertEqual(amdahl("resume", config=self.config).returncode, 0)
        finally:
            first.send_signal(signal.SIGINT)
            self.assertEqual(first.wait(10), 130)

    def test_a_copy_is_proved_without_the_ledger(self):
        self.win()
        copy, offline = self.folder / "copy.ledger", self.folder / "no.toml"
        offline.write_text("")
        document = self.ask("ledger", "export", copy)
        check = json.loads(amdahl("schema", "ledger_copy").stdout)
        self.assertEqual(violation(check, check, document), "")
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.assertEqual([path.name for path in self.folder.glob("copy*")], ["copy.ledger"])
        self.assertEqual(amdahl("ledger", "verify", "--from", copy, config=offline).returncode, 0)
        standard = amdahl("ledger", "export", "--owner", "-", config=self.config)
        self.assertIn("rows exported", standard.stderr)
        done = amdahl("ledger", "verify", "--from", "-", stdin=standard.stdout, config=offline)
        self.assertEqual(done.returncode, 0, done.stderr)
        copy.write_text(standard.stdout[:-200])
        done = amdahl("ledger", "verify", "--from", copy, config=offline)
        self.assertEqual(done.returncode, 8)
        self.assertIn("copy.ledger:", done.stderr)
        refused = amdahl("ledger", "import", copy, config=self.config)
        self.assertEqual(refused.returncode, 8, refused.stderr)
        copy.write_text(standard.stdout)
        refused = amdahl("ledger", "import", copy, config=self.config)
        self.assertEqual(refused.returncode, 7, refused.stderr)
        self.assertIn("not empty", refused.stderr)
        done = amdahl("ledger", "export", self.folder / "absent/copy", config=self.config)
        self.assertEqual(done.returncode, 8)
        self.assertIn("absent", done.stderr)

    def test_z_an_altered_measurement_disagrees_and_is_found(self):
        # Last by its name: it spoils the ledger.
        name = self.win()["name"]
        url = (self.state / "secrets/ledger-owner-url").read_text().strip()
        spoil = ("ALTER TABLE amdahl.measurement DISABLE TRIGGER USER; "
                 "UPDATE amdahl.measurement SET leg = jsonb_set(leg, '{window_us}', '1'), window_us = 1 "
                 "WHERE arm = 0 AND run_id = (SELECT max(r.run_id) FROM amdahl.worker_run r "
                 f"WHERE r.experiment_id = {name[4:]}); ALTER TABLE amdahl.measurement ENABLE TRIGGER USER")
        subprocess.run(["psql", url, "-q", "-v", "ON_ERROR_STOP=1", "-c", spoil], check=True, timeout=30)
        said = amdahl("explain", name, "--recompute", config=self.config)
        self.assertEqual(said.returncode, 8, said.stdout + said.stderr)
        self.assertIn("disagrees", said.stdout)
        self.assertEqual(amdahl("ledger", "verify", config=self.config).returncode, 8)


class WithoutLedger(unittest.TestCase):
    def test_no_ledger_is_said_with_the_way_out(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "amdahl.toml")
            config.write_text("")
            done = amdahl("status", config=config)
            self.assertEqual(done.returncode, 3)
            self.assertIn("amdahl dev", done.stderr)

    def test_a_ledger_that_is_down_ends_with_four(self):
        with tempfile.TemporaryDirectory() as folder:
            secret = pathlib.Path(folder, "url")
            secret.write_text(f"host='{folder}' user='nobody' dbname='amdahl'\n")
            secret.chmod(0o600)
            config = pathlib.Path(folder, "amdahl.toml")
            config.write_text(f'[ledger]\nurl_file = "{secret}"\n')
            done = amdahl("status", config=config)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertEqual(amdahl("doctor", config=config).returncode, 8)

    def test_doctor_warns_where_a_service_would_kill_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "amdahl.toml")
            config.write_text("")
            armed = amdahl("doctor", config=config, environment={"AMDAHL_FAILPOINT": "engine.planned"})
            self.assertIn("AMDAHL_FAILPOINT=engine.planned: a service with it kills itself", armed.stdout)
            self.assertIn("unset AMDAHL_FAILPOINT", armed.stdout)
            self.assertNotIn("kills itself", amdahl("doctor", config=config).stdout)

    def test_judge_reads_standard_input(self):
        done = amdahl("judge", "-", "--sigma0", "0.03", "-o", "json", stdin="1,0.9\n1,0.91\n")
        document = json.loads(done.stdout)
        self.assertEqual(violation(*[json.loads(amdahl("schema", "judge").stdout)] * 2, document), "")


TYPES = {"null": type(None), "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "array": list, "object": dict}


def violation(root, schema, value, at=""):
    """The first thing in `value` that the part of JSON Schema we use forbids."""
    if "$ref" in schema:
        place = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        return violation(root, place, value, at)
    if "const" in schema and value != schema["const"]:
        return f"{at}: not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at}: unknown word {value}"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name != "boolean")
                         for name in types):
        return f"{at}: {value!r} is no {types}"
    if isinstance(value, list):
        found = (violation(root, schema.get("items", {}), item, f"{at}/{i}") for i, item in enumerate(value))
        return next(filter(None, found), "")
    if not isinstance(value, dict):
        return ""
    missing = [key for key in schema.get("required", []) if key not in value]
    if missing:
        return f"{at}/{missing[0]}: missing"
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, member in value.items():
        if key in known:
            found = violation(root, known[key], member, f"{at}/{key}")
        elif isinstance(others, dict):
            found = violation(root, others, member, f"{at}/{key}")
        else:
            found = "" if others else f"{at}/{key}: not in the schema"
        if found:
            return found
    return ""


if __name__ == "__main__":
    unittest.main(verbosity=2)
