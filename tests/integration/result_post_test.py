"""Workers that share no disk with the service: they hand in their results over HTTP.

A worker is played by the real shim in a copy of a run's directory, elsewhere; the run's own shim waits in its
first leg until the test ends it, so that its directory never holds a result.
"""

import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import unittest

import certificates
from hook_setup import configure, secret_file
from http_client import Door
from http_document import Document
from stand import PROGRAM, Stand, amdahl, free_port, wait_until

SHIM = PROGRAM.parent / "amdahl-run"
SECRET = "a secret that makes the tokens of these tests"
OTHER_KEY = "al-" + "a" * 26 + "-1"


def token_of(run_key, secret=SECRET):
    """As docs/reference/http-api.md says, by other means than the service's."""
    text = f"amdahl.result_post/v1:{run_key}".encode()
    return "amr_" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class Posts(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger(gpus=1)
        self.port = free_port()

    def listen(self, url, more="", service=""):
        key = secret_file(self.stand, "post-key", SECRET)
        configure(self.stand, f'[service]\nlisten = "127.0.0.1:{self.port}"\npost_key_file = "{key}"\n{service}'
                              f'[cluster.local]\npost_url = "{url}"\n{more}')

    def begin(self):
        """A service and the directory of a run whose first leg waits for ever."""
        job = self.stand.threefold()
        script = job.parent / "job.sh"
        waits = 'case $PWD in */runs/live/*) sleep 100 ;; esac\n'
        script.write_text(script.read_text().replace("events=${AMDAHL", waits + "events=${AMDAHL"))
        job.write_text(job.read_text().replace('"20s"', '"200s"'))
        self.assertEqual(amdahl("jobs", "add", job, config=self.stand.config).returncode, 0)
        self.service = self.stand.serve()
        self.service.wait_for("leading")
        live = self.stand.state / "runs/live"
        claimed = wait_until(lambda: list(live.glob("*/leg.json")), "a leg runs")
        return claimed[0].parent

    def worker(self, directory, environment=None):
        """The same run where nobody else looks: no gate, no slots."""
        elsewhere = self.stand.folder / f"worker-{len(list(self.stand.folder.glob('worker-*')))}"
        elsewhere.mkdir()
        for name in ("spec.json", "post.json"):
            shutil.copy(directory / name, elsewhere / name)
        log = open(elsewhere / "log", "wb")
        self.addCleanup(log.close)
        shim = subprocess.Popen([SHIM, "run", elsewhere], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                env={**os.environ, **(environment or {})})
        self.addCleanup(shim.kill)
        return shim, elsewhere

    def posted(self):
        return self.stand.sql("SELECT coalesce(string_agg(run_key, ' '), '') FROM amdahl.posted_result")

    def run_of(self, key):
        return next(run for run in self.stand.ask("runs")["runs"] if run["run_key"] == key)

    def end_its_own_shim(self, directory):
        os.kill(json.loads((directory / "shim.json").read_text())["pid"], signal.SIGKILL)

    def counts(self, directory):
        """The run ends with what was posted, and the ledger keeps that no longer."""
        key = directory.name
        self.assertEqual(self.posted(), key)
        self.assertFalse((directory / "result.json").exists())
        self.end_its_own_shim(directory)
        ended = wait_until(lambda: self.run_of(key)["state"] == "ended" and self.run_of(key), "the run ends")
        self.assertEqual(ended["outcome"], "succeeded", ended)
        self.assertEqual(self.posted(), "")

    def test_what_a_worker_posts_counts_where_its_directory_has_no_result(self):
        self.listen(f"http://127.0.0.1:{self.port}")
        directory = self.begin()
        post = json.loads((directory / "post.json").read_text())
        self.assertEqual(post["token"], token_of(directory.name))
        shim, elsewhere = self.worker(directory)
        self.assertEqual(shim.wait(60), 0, (elsewhere / "log").read_text())
        self.assertEqual(self.stand.sql("SELECT body FROM amdahl.posted_result"),
                         (elsewhere / "result.json").read_text())
        self.counts(directory)

    def test_without_a_post_such_a_run_is_lost(self):
        self.listen(f"http://127.0.0.1:{self.port}")
        directory = self.begin()
        self.end_its_own_shim(directory)
        wait_until(lambda: self.run_of(directory.name)["state"] == "ended", "the run ends")
        self.assertEqual(self.run_of(directory.name)["outcome"], "lost")

    def test_over_tls_it_trusts_the_authority_that_the_run_names(self):
        folder = self.stand.folder / "tls"
        folder.mkdir()
        certificates.chain(folder, "DNS:localhost,IP:127.0.0.1")
        self.listen(f"https://localhost:{self.port}", f'post_ca_file = "{folder}/root.pem"\n',
                    f'tls_certificate = "{folder}/chain.pem"\ntls_key = "{folder}/leaf.key"\n')
        directory = self.begin()
        shutil.rmtree(folder)  # a worker has none of it
        shim, elsewhere = self.worker(directory)
        self.assertEqual(shim.wait(60), 0, (elsewhere / "log").read_text())
        self.counts(directory)

    def test_a_service_that_is_away_is_asked_again(self):
        self.listen(f"http://127.0.0.1:{self.port}")
        directory = self.begin()
        self.service.kill()
        shim, elsewhere = self.worker(directory)
        wait_until(lambda: "no service answers" in (elsewhere / "log").read_text(), "it tried")
        self.service = self.stand.serve()
        self.assertEqual(shim.wait(60), 0, (elsewhere / "log").read_text())
        self.counts(directory)

    def test_killed_between_commit_and_answer_a_result_counts_once(self):
        self.listen(f"http://127.0.0.1:{self.port}")
        directory = self.begin()
        self.service.kill()
        self.service = self.stand.serve(environment={"AMDAHL_FAILPOINT": "hooks.result_stored"})
        shim, elsewhere = self.worker(directory)
        wait_until(lambda: not self.service.lives(), "the service is dead")
        self.assertEqual(self.posted(), directory.name)
        self.service = self.stand.serve()
        self.assertEqual(shim.wait(60), 0, (elsewhere / "log").read_text())
        self.counts(directory)

    def test_a_worker_that_dies_after_its_post_has_lost_nothing(self):
        self.listen(f"http://127.0.0.1:{self.port}")
        directory = self.begin()
        shim, elsewhere = self.worker(directory, {"AMDAHL_FAILPOINT": "shim.result_posted"})
        self.assertEqual(shim.wait(60), -signal.SIGKILL, (elsewhere / "log").read_text())
        self.counts(directory)

    def test_the_door_of_a_result_opens_to_its_run_and_to_nobody_else(self):
        self.listen(f"http://127.0.0.1:{self.port}")
        directory = self.begin()
        key = directory.name
        door = Door(port=self.port, document=Document(Door(port=self.port)))

        def post(body, token=token_of(key), to=key, kind="application/json"):
            headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            answer = door.ask("POST", f"/api/v1/runs/{to}/result", text, headers)
            return answer.status, answer.json().get("result") or answer.kind()

        result = {"schema": "amdahl.result/v1", "key": key, "spec_sha": "0" * 64, "legs": []}
        self.assertEqual(post(result, token=None), (401, "no-token"))
        self.assertEqual(post(result, token=token_of(OTHER_KEY)), (401, "wrong-token"))
        self.assertEqual(post(result, token=token_of(key, "another secret")), (401, "wrong-token"))
        self.assertEqual(post(result, to="x"), (401, "wrong-token"))
        self.assertEqual(post(result, token=token_of(OTHER_KEY), to=OTHER_KEY), (422, "invalid"))
        unknown = {**result, "key": OTHER_KEY}
        self.assertEqual(post(unknown, token=token_of(OTHER_KEY), to=OTHER_KEY), (404, "not-found"))
        self.assertEqual(post({"key": key}), (422, "invalid"))
        self.assertEqual(post([]), (422, "invalid"))
        self.assertEqual(post(b"{"), (400, "bad-request"))
        self.assertEqual(post(result, kind="text/plain"), (415, "unsupported-media-type"))
        self.assertEqual(post(b" " * 1_100_000), (413, "too-large"))
        self.assertEqual(self.posted(), "")
        self.assertEqual(post(result), (201, "stored"))
        self.assertEqual(post(result), (200, "duplicate"))
        self.assertEqual(post({**result, "spec_sha": "1" * 64}), (409, "conflict"))
        # It is of another specification: whoever has the token still cannot make a run succeed.
        self.end_its_own_shim(directory)
        ended = wait_until(lambda: self.run_of(key)["state"] == "ended" and self.run_of(key), "the run ends")
        self.assertNotEqual(ended["outcome"], "succeeded", ended)
        self.assertEqual(post(result), (410, "gone"))

    def test_where_no_cluster_posts_the_door_is_closed(self):
        service = self.stand.serve()
        port = service.wait_for("listening")[0]["port"]
        answer = Door(port=port, token=token_of(OTHER_KEY)).post(f"/api/v1/runs/{OTHER_KEY}/result", {})
        self.assertEqual((answer.status, answer.kind()), (410, "gone"))

    def test_a_configuration_that_cannot_work_is_refused(self):
        short = secret_file(self.stand, "short", "too short")
        for text, words in (
                ('post_url = "http://127.0.0.1:1"', "needs service.post_key_file"),
                ('post_url = "ftp://x"', "cluster.local.post_url"),
                ('post_url = "http://loop.example:7717"', "can be read on its way"),
                ('post_url = "https://loop.example"\npost_ca_file = "/nowhere"', "cluster.local.post_ca_file"),
                (f'post_url = "https://loop.example"\npost_ca_file = "{short}"', "no certificate")):
            with self.subTest(text=text):
                key = secret_file(self.stand, "post-key", SECRET)
                file = "" if "needs" in words else f'[service]\npost_key_file = "{key}"\n'
                configure(self.stand, f"{file}[cluster.local]\n{text}\n")
                done = amdahl("serve", config=self.stand.config)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(words, done.stderr)
        configure(self.stand, f'[service]\npost_key_file = "{short}"\n[cluster.local]\npost_url = "http://127.0.0.1:1"\n')
        done = amdahl("serve", config=self.stand.config)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("32 are needed", done.stderr)


if __name__ == "__main__":
    unittest.main()
