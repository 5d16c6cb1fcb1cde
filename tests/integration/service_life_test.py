"""A service that is reloaded, and one that is stopped in the middle of things."""

import http.server
import json
import os
import pathlib
import signal
import socket
import socketserver
import ssl
import tempfile
import threading
import time
import unittest

import certificates
from hook_setup import OLD_SECRET, SECRET, secret_file, with_hooks
from http_client import Door, signed
from stand import Stand, amdahl, test_folder, wait_until

STOP_S = 5


class WithService(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()

    def port(self, service):
        return service.wait_for("listening")[0]["port"]

    def answers(self, port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as door:
            door.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return door.recv(4096).startswith(b"HTTP/1.1 200")


class Reloads(WithService):
    def configure(self, text):
        (self.stand.state / "conf.d/life.toml").write_text(text)

    def reload(self, service, event):
        before = len(service.events(event))
        service.signal(signal.SIGHUP)
        return wait_until(lambda: service.events(event)[before:], event)[0]

    def trials(self):
        return [row for row in self.stand.ask("experiments")["experiments"] if row["kind"] == "trial"]

    def test_what_can_change_does_and_what_cannot_is_named(self):
        self.configure("[loop]\nobserve = true\n")
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        port = self.port(service)
        service.wait_for("leading")
        same = self.reload(service, "reloaded")
        self.assertEqual((same["changed"], same["needs_restart"]), ({}, []))
        self.configure('[service]\nlisten = "127.0.0.1:1"\nlog_level = "warning"\n[cluster.other]\ngpus = 1\n'
                       '[loop]\nidle_interval = "100ms"\nlease_ttl = "4s"\n')
        done = self.reload(service, "reloaded")
        self.assertEqual(done["changed"], {"loop.observe": False, "loop.idle_interval": "100ms",
                                           "service.log_level": "warning"})
        self.assertLessEqual({"service.listen", "loop.lease_ttl", "cluster.other.gpus"},
                             set(done["needs_restart"]))
        wait_until(self.trials, "it observes no more: a trial begins")
        self.assertTrue(self.answers(port))
        self.configure('[service]\nlog_level = "info"\n')
        self.assertEqual(self.reload(service, "reloaded")["changed"]["service.log_level"], "info")
        self.assertEqual(self.reload(service, "reloaded")["needs_restart"], [])

    def test_with_anything_wrong_nothing_changes_and_all_of_it_is_said(self):
        self.configure("[loop]\nobserve = true\n")
        self.assertEqual(amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        service.wait_for("leading")
        good = "[loop]\nobserve = false\n"
        self.configure(good + "[refute]\nchecks = 6\n[budget]\nshare = 1\n")
        said = " ".join(self.reload(service, "reload_failed")["problems"])
        self.assertIn("refute.checks = 6 is even", said)
        self.assertIn("budget.share", said)
        secret = self.stand.state / "secrets/ledger-url"
        mode = secret.stat().st_mode
        secret.chmod(0o644)
        self.configure(good + f'[service]\ntls_certificate = "{self.stand.folder}/none.pem"\n')
        problems = self.reload(service, "reload_failed")["problems"]
        self.assertEqual(len(problems), 2, problems)
        self.assertIn("others may read", problems[0])
        self.assertIn("service.tls_key", problems[1])
        secret.chmod(mode)
        self.configure(good + f'[service]\ntls_certificate = "{self.stand.folder}/none.pem"\n'
                              f'tls_key = "{self.stand.folder}/none.key"\n')
        self.assertIn("none.pem", self.reload(service, "reload_failed")["problems"][0])
        self.configure("not toml")
        self.reload(service, "reload_failed")
        self.assertEqual(service.events("reloaded"), [])
        self.configure(good)
        self.assertEqual(self.trials(), [])
        self.assertEqual(self.reload(service, "reloaded")["changed"], {"loop.observe": False})
        wait_until(self.trials, "now it does")

    def hooks(self, *files, more=""):
        names = ", ".join(f'"{path}"' for path in files)
        self.configure(f"[cluster.local.hooks]\nsecret_files = [{names}]\n{more}")

    def deliver(self, port, secret):
        data = b'{"type":"slurm.job.ended"}'
        return Door(port=port).ask("POST", "/hooks/slurm", data, signed(secret, data)).status

    def test_webhook_secrets_are_rotated_and_hooks_switched_off_without_a_restart(self):
        old, new = secret_file(self.stand, "old", OLD_SECRET), secret_file(self.stand, "new", SECRET)
        service = self.stand.serve()
        port = self.port(service)
        service.wait_for("leading")
        statuses = lambda: [self.deliver(port, secret) for secret in (OLD_SECRET, SECRET)]
        self.assertEqual(statuses(), [410, 410])
        self.hooks(old)
        done = self.reload(service, "reloaded")
        self.assertEqual((done["changed"], done["needs_restart"]), ({"cluster.local.hooks.secret_files": [str(old)]}, []))
        self.assertEqual(statuses(), [202, 401])
        self.hooks(old, new)
        self.reload(service, "reloaded")
        self.assertEqual(statuses(), [202, 202])
        self.assertIn('amdahl_reconcile_missed_jobs_total{cluster="local",source="generic/local"}',
                      Door(port=port).ask("GET", "/metrics").body.decode())
        self.hooks(new)
        self.reload(service, "reloaded")
        self.assertEqual(statuses(), [401, 202])
        self.hooks(new, more="enabled = false\n")
        self.reload(service, "reloaded")
        self.assertEqual(statuses(), [401, 410])
        self.configure("")
        self.reload(service, "reloaded")
        self.assertEqual(statuses(), [410, 410])

    def test_a_webhook_secret_that_cannot_be_read_changes_nothing(self):
        good = secret_file(self.stand, "good", SECRET)
        self.hooks(good)
        service = self.stand.serve()
        port = self.port(service)
        service.wait_for("leading")
        self.hooks(self.stand.state / "nowhere", more='[loop]\nobserve = true\n')
        problem = self.reload(service, "reload_failed")["problems"][0]
        self.assertIn("cluster.local.hooks.secret_files", problem)
        self.assertIn("nowhere", problem)
        # Of a cluster that a restart would bring it is read as well: better now than then.
        self.hooks(good, more=f'[cluster.other]\ngpus = 1\n[cluster.other.hooks]\nsecret_files = ["{good}"]\n')
        self.assertIn("cluster local has the same secret", self.reload(service, "reload_failed")["problems"][0])
        self.hooks(self.stand.state / "nowhere", more='[service]\nlisten = "0.0.0.0:1"\n')
        problems = self.reload(service, "reload_failed")["problems"]
        self.assertEqual(len(problems), 2, problems)
        self.assertIn("service.listen", problems[0])
        new = secret_file(self.stand, "new", OLD_SECRET)
        self.hooks(good, more=f'[cluster.other]\ngpus = 1\n[cluster.other.hooks]\nsecret_files = ["{new}"]\n')
        done = self.reload(service, "reloaded")
        self.assertEqual(done["changed"], {})
        self.assertIn("cluster.other.hooks.secret_files", done["needs_restart"])
        self.assertEqual([self.deliver(port, secret) for secret in (SECRET, OLD_SECRET)], [202, 401])

    def certify(self, name):
        certificates.self_signed(self.stand.folder / "key.pem", self.stand.folder / "chain.pem", name)
        return (self.stand.folder / "chain.pem").read_text()

    def test_a_renewed_certificate_is_served_and_a_spoilt_one_is_not(self):
        first = self.certify("first")
        self.configure(f'[service]\ntls_certificate = "{self.stand.folder}/chain.pem"\n'
                       f'tls_key = "{self.stand.folder}/key.pem"\n')
        service = self.stand.serve()
        port = self.port(service)
        service.wait_for("leading")
        served = lambda: ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
        self.assertEqual(served(), first)
        second = self.certify("second")
        self.assertEqual(served(), first)
        self.reload(service, "reloaded")
        self.assertEqual(served(), second)
        third = self.certify("third")
        (self.stand.folder / "chain.pem").write_text(second)  # the key is the third one's
        self.reload(service, "reload_failed")
        self.assertEqual(served(), second)
        (self.stand.folder / "chain.pem").write_text(third)
        self.reload(service, "reloaded")
        self.assertEqual(served(), third)


class Stops(WithService):
    def stop(self, service):
        """Asks it to, and returns how long it took."""
        begun = time.monotonic()
        service.signal(signal.SIGTERM)
        wait_until(lambda: not service.lives(), "it ends", seconds=30)
        took = time.monotonic() - begun
        self.assertEqual(service.stop(), 0)
        self.assertLess(took, STOP_S)
        self.assertEqual(len(service.events("stopped")), 1)
        return took

    def shims(self):
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"amdahl-run") and os.fsencode(self.stand.state) in b" ".join(words):
                found.append(int(process.name))
        return found

    def test_with_runs_under_way_they_go_on_and_the_next_service_has_them(self):
        job = self.stand.threefold()
        script = job.parent / "job.sh"
        script.write_text(script.read_text().replace("=1500", "=6000").replace("=500", "=2000"))
        self.assertEqual(amdahl("jobs", "add", job, config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        wait_until(lambda: len(self.stand.executions()) >= 1 and self.shims(), "a leg runs")
        self.stop(service)
        shims = self.shims()
        self.assertTrue(shims)
        live = self.stand.sql("SELECT string_agg(run_key, ' ') FROM amdahl.worker_run WHERE state <> 0 AND outcome IS NULL")
        self.assertTrue(live)
        wait_until(lambda: not set(shims) & set(self.shims()), "they end by themselves")
        self.stand.serve()
        for key in live.split():
            wait_until(lambda: self.stand.sql(f"SELECT outcome IS NOT NULL FROM amdahl.worker_run WHERE run_key = '{key}'") == "t",
                       f"{key} is recorded")
        ran = [line.split()[0] for line in self.stand.executions()]
        for key in live.split():
            self.assertLessEqual(ran.count(key), 2)  # once for each arm

    def test_with_a_ledger_that_stands_still(self):
        service = self.stand.serve()
        service.wait_for("leading")
        processes = self.stand.server_processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            service.wait_for("ledger_unavailable")
            self.stop(service)
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        self.stand.serve().wait_for("leading")

    def test_with_an_open_stream_and_half_sent_requests(self):
        service = self.stand.serve()
        port = self.port(service)
        service.wait_for("leading")
        doors = [socket.socket(socket.AF_UNIX), *(socket.create_connection(("127.0.0.1", port)) for _ in range(3))]
        for door in doors:
            self.addCleanup(door.close)
            door.settimeout(10)
        doors[0].connect(service.events("listening")[0]["socket"])  # by its user, it needs no token
        doors[0].sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"text/event-stream", doors[0].recv(4096))
        doors[1].sendall(b"GET /healthz HTTP/1.1\r\nHos")
        doors[2].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        self.assertTrue(self.answers(port))  # so the others were taken
        self.stop(service)
        for door in doors:
            while door.recv(4096):
                pass  # to its end: nobody is left waiting


class Doctor(WithService):
    def check(self, name):
        """The doctor's line of that name; None where it does not apply."""
        done = amdahl("doctor", "-o", "json", config=self.stand.config)
        self.assertIn(done.returncode, (0, 8), done.stderr)
        return next((row for row in json.loads(done.stdout)["checks"] if row["name"] == name), None)

    def configure(self, text):
        (self.stand.state / "conf.d/life.toml").write_text(text)

    def test_it_asks_the_service_and_finds_one_that_listens_elsewhere_or_is_gone(self):
        self.assertIsNone(self.check("service"))
        service = self.stand.serve()
        service.wait_for("leading")
        self.assertEqual(self.check("service")["result"], "pass")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.configure(f'[service]\nlisten = "127.0.0.1:{port}"\n')
        said = self.check("service")
        self.assertEqual(said["result"], "failure")
        self.assertIn(f"does not listen on 127.0.0.1:{port}", said["text"])
        self.assertIn("restart", said["fix"])
        service.signal(signal.SIGSTOP)
        self.assertIn("did not answer", self.check("service")["text"])
        service.kill()
        said = self.check("service")
        self.assertEqual(said["result"], "failure")
        self.assertIn("nobody answers", said["text"])

    def test_it_finds_a_hook_that_is_silent(self):
        self.assertIsNone(self.check("hooks"))
        with_hooks(self.stand, idle="1s")
        self.assertEqual(self.check("hooks")["text"], "local: no webhook ever came")
        amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config)
        service = self.stand.serve()
        port = self.port(service)
        wait_until(lambda: len([run for run in self.stand.ask("runs")["runs"] if run["state"] == "ended"]) > 2,
                   "runs ended")
        said = self.check("hooks")
        self.assertEqual(said["result"], "failure")
        self.assertRegex(said["text"], r"no webhook ever came, yet \d+ of its runs ended since")
        self.assertIn("/hooks/", said["fix"])
        data = b'{"type":"slurm.job.ended"}'
        self.assertEqual(Door(port=port).ask("POST", "/hooks/slurm", data, signed(SECRET, data)).status, 202)
        said = self.check("hooks")
        self.assertEqual(said["result"], "pass", said)
        self.assertRegex(said["text"], r"local: the last webhook came .+ ago")
        self.configure('[cluster.local.hooks]\nsecret_files = ["/nowhere"]\n')
        (self.stand.state / "conf.d/test.toml").unlink()
        self.assertIn("/nowhere", self.check("hooks")["text"])

    def certify(self, days, name="x"):
        files = [self.stand.folder / f"{name}.key", self.stand.folder / f"{name}.pem"]
        certificates.self_signed(*files, days=days)
        self.configure(f'[service]\ntls_certificate = "{files[1]}"\ntls_key = "{files[0]}"\n')
        return files

    def test_it_looks_at_the_certificate(self):
        self.assertIsNone(self.check("tls"))
        for days, result, text in ((30, "pass", "29 days"), (13, "warning", "12 days"), (-1, "failure", "expired")):
            self.certify(days)
            said = self.check("tls")
            self.assertEqual(said["result"], result, said)
            self.assertIn(text, said["text"])
            self.assertEqual("renew" in said["fix"], result != "pass")
        key, chain = self.certify(30)
        other, _ = self.certify(30, "y")
        key.write_bytes(other.read_bytes())
        self.configure(f'[service]\ntls_certificate = "{chain}"\ntls_key = "{key}"\n')
        self.assertEqual(self.check("tls")["result"], "failure")
        self.configure(f'[service]\ntls_certificate = "{chain}"\n')
        self.assertIn("only one is set", self.check("tls")["text"])


class OtherService(http.server.BaseHTTPRequestHandler):
    """Answers as a service of another version would."""

    def do_GET(self):
        body = b'{"version":"0.0.1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class DoctorWithoutLedger(unittest.TestCase):
    """What the doctor finds although no ledger answers."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="amdahl-doctor-", dir=test_folder())
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def checks(self, text, environment=None):
        config = self.folder / "amdahl.toml"
        config.write_text(text)
        done = amdahl("doctor", "-o", "json", config=config, environment=environment)
        self.assertEqual(done.returncode, 8, done.stderr)  # no ledger
        return json.loads(done.stdout)["checks"]

    def test_a_service_of_another_version_is_to_be_restarted(self):
        path = self.folder / "other.sock"
        with socketserver.UnixStreamServer(str(path), OtherService) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                checks = self.checks(f'[service]\nsocket = "{path}"\n')
            finally:
                server.shutdown()
                thread.join()
        said = next(row for row in checks if row["name"] == "service")
        self.assertEqual(said["result"], "warning", said)
        self.assertRegex(said["text"], r"version 0\.0\.1 runs, and this is \d+\.\d+\.\d+")
        self.assertIn("restart the service", said["fix"])

    def test_slurm_that_posts_to_another_port_is_found_with_both_numbers(self):
        """The address of jobcomp/elasticsearch, as scontrol shows it."""
        scontrol = self.folder / "scontrol"
        scontrol.write_text("#!/bin/sh\ncat <<END\nJobCompLoc = http://127.0.0.1:7171/hooks/slurm-es/s3cret/_doc\n"
                            "JobCompType = jobcomp/elasticsearch\nSLURM_VERSION = 22.05.8\nEND\n")
        scontrol.chmod(0o755)
        checks = self.checks('[service]\nlisten = "127.0.0.1:7717"\n[cluster.alpha]\nadapter = "slurm"\n'
                             f'accounting = false\nrun_dir = "{self.folder}/runs"\n',
                             environment={"PATH": f"{self.folder}:{os.environ['PATH']}"})
        said = [row for row in checks if "JobCompLoc" in row["text"]]
        self.assertEqual([(row["name"], row["result"], row["text"]) for row in said],
                         [("cluster alpha", "failure",
                           "JobCompLoc names port 7171; this service listens on 7717")], checks)
        self.assertIn("amdahl hook slurm --print-config", said[0]["fix"])
        self.assertNotIn("s3cret", json.dumps(checks))


if __name__ == "__main__":
    unittest.main()
