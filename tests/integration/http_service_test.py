"""The service as a whole over HTTP: with a follower, stopped, killed, with TLS, without its ledger."""

import http.client
import json
import socket
import unittest

import certificates
from hook_setup import SECRET, URL_TOKEN, configure, with_hooks
from http_client import Door, make_token, own_address, raw, signed, statuses, trusting
from http_document import Document
from stand import Stand, amdahl, wait_until


class Lives(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()

    def test_what_a_follower_takes_in_wakes_the_leader(self):
        with_hooks(self.stand)
        leader = self.stand.serve()
        leader.wait_for("leading")
        follower = self.stand.serve()
        port = follower.wait_for("listening")[0]["port"]
        follower.wait_for("following")
        data = b'{"type":"slurm.job.ended"}'
        self.assertEqual(Door(port=port).ask("POST", "/hooks/slurm", data, signed(SECRET, data)).status, 202)
        wait_until(lambda: self.stand.sql("SELECT count(*) FROM amdahl.delivery_waiting") == "0", "the leader looked")
        self.assertFalse(follower.events("leading"))

    def test_deliveries_that_lie_or_come_out_of_order_end_no_run(self):
        with_hooks(self.stand)
        job, go = self.stand.threefold(), self.stand.folder / "go"
        script = job.parent / "job.sh"
        script.write_text(script.read_text().replace("events=${AMDAHL", f"until [ -e {go} ]; do sleep 0.05; done\nevents=${{AMDAHL", 1))
        job.write_text(job.read_text().replace('"20s"', '"200s"'))
        self.assertEqual(amdahl("jobs", "add", job, config=self.stand.config).returncode, 0)
        service = self.stand.serve()
        port = service.wait_for("listening")[0]["port"]
        live = self.stand.state / "runs/live"
        key = wait_until(lambda: list(live.glob("*/leg.json")), "a leg runs")[0].parent.name
        mine = lambda: next(run for run in self.stand.ask("runs")["runs"] if run["run_key"] == key)
        wait_until(lambda: mine()["state"] == "running", "the loop has seen it")
        before = mine()
        told = [("slurm", f"slurm.job.{event}", {"job_id": before["native_id"], "job_name": key, "state": state,
                                                 "amdahl_run": key})
                for event, state in (("ended", "COMPLETED"), ("ended", "FAILED"), ("started", "RUNNING"), ("ended", "PREEMPTED"))]
        told.append(("kubernetes", "kubernetes.job.event", {"namespace": "x", "kind": "Job", "name": key, "uid": "1",
                                                            "reason": "Failed", "labels": {"amdahl.dev/run": key}}))
        for door, event, data in told:
            body = json.dumps({"type": event, "data": {"cluster": "local", **data}}).encode()
            self.assertEqual(Door(port=port).ask("POST", f"/hooks/{door}", body, signed(SECRET, body)).status, 202)
        record = {"jobid": before["native_id"], "job_name": key, "state": "FAILED", "exit_code": 1}
        self.assertEqual(Door(port=port).ask("POST", f"/hooks/slurm-es/{URL_TOKEN}/_doc",
                                             record).status, 201)
        looked = "SELECT count(*) FROM amdahl.delivery_waiting"
        wait_until(lambda: self.stand.sql(looked) == "0", "the loop has looked because of all of them")
        self.assertEqual(self.stand.sql("SELECT count(*) FROM amdahl.delivery"), str(len(told) + 1))
        self.assertEqual(mine(), before)
        go.touch()
        ended = wait_until(lambda: mine()["state"] == "ended" and mine(), "it ends by itself")
        self.assertEqual(ended["outcome"], "succeeded", ended)

    def test_what_is_asked_of_a_follower_the_leader_does(self):
        leader = self.stand.serve()
        leader.wait_for("leading")
        follower = self.stand.serve()
        port = follower.wait_for("listening")[0]["port"]
        follower.wait_for("following")
        door = Door(port=port, token=make_token(self.stand, "operator", "operate"))
        before = door.get("/api/v1/loop").json()
        answer = door.post("/api/v1/loop:pause", {"reason": "by a follower"})
        self.assertEqual((answer.status, answer.json()["ok"]), (200, True), answer.body)
        status = door.get("/api/v1/loop").json()
        self.assertEqual((status["paused"], status["paused_reason"]), (True, "by a follower"))
        self.assertEqual(door.get("/readyz").status, 200)
        self.assertFalse(follower.events("leading"))
        self.assertEqual([status[name] for name in ("holder", "term")], [before[name] for name in ("holder", "term")])

    def test_on_a_ledger_of_another_version_it_is_not_ready_and_still_read(self):
        service = self.stand.serve()
        port = service.wait_for("listening")[0]["port"]
        service.wait_for("leading")
        here = Door(socket_path=self.stand.state / "amdahl.sock")
        here = Door(socket_path=self.stand.state / "amdahl.sock", document=Document(here))
        self.assertEqual(here.get("/readyz").status, 200)
        later = "SET session_replication_role = replica; "
        self.stand.sql(later + "INSERT INTO amdahl.schema_migration VALUES (99, 'later', decode(repeat('00', 32), 'hex'), 99)")
        answer = here.get("/readyz")
        self.assertEqual((answer.status, answer.kind()), (503, "other-schema"))
        self.assertIn("schema version 99", answer.json()["detail"])
        self.assertEqual(answer.json()["hint"], "amdahl db migrate --plan")
        for path in ("/healthz", "/api/v1/status", "/api/v1/jobs", "/api/v1/wastes"):
            self.assertEqual(here.get(path).status, 200, path)
        said = amdahl("status", "-o", "json", config=self.stand.config)
        self.assertIn("schema version 99", said.stdout)
        self.stand.sql(later + "DELETE FROM amdahl.schema_migration WHERE version = 99")
        self.assertEqual(here.get("/readyz").status, 200)
        self.assertEqual(Door(port=port).get("/readyz").status, 200)

    def test_it_stops_soon_whoever_is_connected(self):
        service = self.stand.serve()
        port = service.wait_for("listening")[0]["port"]
        stream = Door(socket_path=self.stand.state / "amdahl.sock").stream("/api/v1/stream")
        half = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(half.close)
        half.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        self.assertEqual(service.stop(), 0)
        self.assertIsNone(stream.next())

    def test_killed_between_receipt_and_answer_a_delivery_is_stored_once(self):
        with_hooks(self.stand)
        for point, status, stored in (("hooks.delivery_unsent", 202, "0"), ("hooks.delivery_stored", 200, "1")):
            with self.subTest(point=point):
                data = b'{"type":"slurm.job.ended"}'
                headers = signed(SECRET, data)
                killed = self.stand.serve(environment={"AMDAHL_FAILPOINT": point})
                port = killed.wait_for("listening")[0]["port"]
                with self.assertRaises((ConnectionError, http.client.HTTPException)):
                    Door(port=port).ask("POST", "/hooks/slurm", data, headers)
                wait_until(lambda: not killed.lives(), "the service is dead")
                mine = f"SELECT count(*) FROM amdahl.delivery WHERE delivery_id = '{headers['webhook-id']}'"
                self.assertEqual(self.stand.sql(mine), stored)
                service = self.stand.serve()
                port = service.wait_for("listening")[0]["port"]
                self.assertEqual(Door(port=port).ask("POST", "/hooks/slurm", data, headers).status, status)
                self.assertEqual(self.stand.sql(mine), "1")
                service.stop()

    def test_an_address_that_others_reach_needs_tls(self):
        configure(self.stand, '[service]\nlisten = "0.0.0.0:0"\n')
        done = amdahl("serve", config=self.stand.config)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("service.tls_certificate", done.stderr)

    def test_tls_with_a_chain_is_what_clients_trust(self):
        folder = self.stand.folder / "tls"
        folder.mkdir()
        certificates.chain(folder, "DNS:localhost,IP:127.0.0.1")
        configure(self.stand, f'[service]\ntls_certificate = "{folder}/chain.pem"\ntls_key = "{folder}/leaf.key"\n')
        service = self.stand.serve()
        port = service.wait_for("listening")[0]["port"]
        door = Door(port=port, tls=trusting(folder / "root.pem"))
        self.assertEqual(door.get("/healthz").status, 200)
        # Without TLS it says nothing of itself, and goes on serving.
        self.assertEqual(statuses(raw(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")), [])
        self.assertEqual(door.get("/healthz").status, 200)

    def test_who_comes_over_the_network_needs_a_token_and_finds_the_unsigned_doors_closed(self):
        address = own_address()
        with_hooks(self.stand)
        folder = self.stand.folder / "tls"
        folder.mkdir()
        certificates.chain(folder, f"DNS:localhost,IP:{address}")
        configure(self.stand, f'[service]\nlisten = "0.0.0.0:0"\ntls_certificate = "{folder}/chain.pem"\n'
                              f'tls_key = "{folder}/leaf.key"\n', "tls.toml")
        port = self.stand.serve().wait_for("listening")[0]["port"]
        tls = trusting(folder / "root.pem")
        here, far = Door(port=port, tls=tls), Door(port=port, tls=tls, host=address)
        known = Door(port=port, tls=tls, host=address, token=make_token(self.stand, "far", "read"))
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            with self.subTest(path=path):
                self.assertEqual(here.get(path).status, 200)
                refused = far.get(path)
                self.assertEqual(refused.status, 401, refused.body)
                self.assertEqual(refused.kind(), "no-token")
                self.assertEqual(known.get(path).status, 200)
        record = json.dumps({"jobid": 77, "state": "COMPLETED", "cluster": "local"})
        unsigned = ("POST", f"/hooks/slurm-es/{URL_TOKEN}/_doc", record, {"Content-Type": "application/json"})
        refused = known.ask(*unsigned)
        self.assertEqual(refused.status, 403, refused.body)
        self.assertEqual(refused.kind(), "forbidden")
        self.assertEqual(self.stand.sql("SELECT count(*) FROM amdahl.delivery"), "0")
        self.assertEqual(here.ask(*unsigned).status, 201)
        data = b'{"type":"slurm.job.ended"}'
        self.assertEqual(far.ask("POST", "/hooks/slurm", data, signed(SECRET, data)).status, 202)

    def test_a_service_without_its_ledger_says_so(self):
        service = self.stand.serve()
        service.wait_for("leading")
        self.stand.crash_ledger()
        here = Door(socket_path=self.stand.state / "amdahl.sock")
        self.assertEqual(here.get("/healthz").status, 200)
        away = here.get("/readyz")
        self.assertEqual((away.status, away.kind()), (503, "ledger-unavailable"))
        self.assertIn("retry-after", away.headers)
        metrics = here.get("/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertIn(b"amdahl_ledger_up 0", metrics.body)
        self.stand.restart_ledger()
        wait_until(lambda: here.get("/readyz").status == 200, "it is ready again")
        wait_until(lambda: b"amdahl_ledger_up 1" in here.get("/metrics").body, "and says so")


if __name__ == "__main__":
    unittest.main()
