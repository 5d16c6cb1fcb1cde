"""The service over HTTP: what it answers, what it refuses, and that it goes on serving others."""

import base64
import contextlib
import json
import os
import socket
import time
import unittest

from hook_setup import OLD_SECRET, SECRET, URL_TOKEN, with_hooks
from http_client import Answer, Door, answers, make_token, raw, signed, statuses
from http_document import Document
from stand import Stand, amdahl, wait_until

NOBODY = 65534


class WithService(unittest.TestCase):
    """One ledger and one service for all tests of a class: what they do does not meet. No answer to them may be one
    that the service's own document does not describe."""

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand()
        cls.addClassCleanup(cls.stand.remove)
        cls.stand.start_ledger()
        with_hooks(cls.stand)
        cls.service = cls.stand.serve()
        cls.port = cls.service.wait_for("listening")[0]["port"]
        cls.service.wait_for("leading")
        cls.document = Document(Door(port=cls.port))
        cls.here = Door(socket_path=cls.stand.state / "amdahl.sock", document=cls.document)
        cls.open = Door(port=cls.port, document=cls.document)

    def check_still_serves(self):
        self.assertEqual(self.open.get("/healthz").status, 200)
        self.assertEqual(self.here.get("/api/v1/status").status, 200)


class Resources(WithService):
    def test_health_needs_no_token_on_loopback_and_the_api_does(self):
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            self.assertEqual(self.open.get(path).status, 200, path)
        refused = self.open.get("/api/v1/status")
        self.assertEqual((refused.status, refused.kind()), (401, "no-token"))
        self.assertEqual(refused.headers["www-authenticate"], "Bearer")
        self.assertEqual(self.here.get("/api/v1/status").status, 200)

    def test_the_socket_tells_the_service_who_asks(self):
        """Root asks as somebody else, who may only look; whoever cannot do that asks as himself."""
        own = os.geteuid()
        asks = own or NOBODY

        def ask(method, path):
            connection = self.here.connection()
            os.seteuid(asks)
            try:
                connection.connect()
            finally:
                os.seteuid(own)
            body = "{}" if method == "POST" else None
            connection.request(method, path, body, {"Content-Type": "application/json"})
            with contextlib.closing(connection):
                return Answer(connection.getresponse())

        self.assertEqual(ask("GET", "/api/v1/status").status, 200)
        done = ask("POST", "/api/v1/loop:resume")
        if asks == own:
            self.assertEqual(done.status, 200, done.body)
            by_root = "SELECT count(*) FROM amdahl.command WHERE key LIKE 'api:uid 0:%'"
            self.assertEqual(self.stand.sql(by_root), "0")
        else:
            self.assertEqual(done.status, 403, done.body)
            self.assertIn(f"uid {NOBODY} may read", done.json()["detail"])

    def test_a_scope_holds_those_below_it_and_no_more(self):
        read, operate = (Door(port=self.port, token=make_token(self.stand, scope, scope), document=self.document)
                         for scope in ("read", "operate"))
        self.assertEqual(read.get("/api/v1/jobs").status, 200)
        refused = read.post("/api/v1/loop:pause", {})
        self.assertEqual((refused.status, refused.kind()), (403, "forbidden"))
        self.assertIn("--scope operate", refused.json()["hint"])
        self.assertEqual(operate.get("/api/v1/jobs").status, 200)
        self.assertEqual(operate.post("/api/v1/loop:resume", {}).status, 200)
        self.assertEqual(Door(port=self.port, token="amd_wrong").get("/api/v1/jobs").kind(), "wrong-token")

    def test_each_list_answers_its_document_and_refuses_unknown_words(self):
        for path in ("status", "loop", "jobs", "hypotheses", "experiments", "runs", "queue", "events",
                     "webhooks/deliveries", "webhooks/sources", "fleet/summary", "wastes", "bank/entries", "bank/balance"):
            answer = self.here.get(f"/api/v1/{path}")
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.json()["schema"].startswith("amdahl."), path)
            wrong = self.here.get(f"/api/v1/{path}?nonsense=1")
            self.assertEqual((wrong.status, wrong.json()["errors"][0]["pointer"]), (400, "?nonsense"), path)
        for path in ("jobs/none", "experiments/EXP-99", "experiments/x", "experiments/99/votes",
                     "experiments/99/runs", "experiments/99/lineage", "wastes/none", "commands/none"):
            self.assertEqual(self.here.get(f"/api/v1/{path}").kind(), "not-found", path)
        self.assertEqual(self.here.get("/api/v1/experiments?state=nonsense").status, 400)
        self.assertEqual(self.here.get("/api/v1/jobs?limit=-1").status, 400)
        self.assertEqual(self.here.get("/api/v1/bank/entries?since=yesterday").status, 400)

    def test_the_api_and_the_command_line_answer_the_same(self):
        from_api = self.here.get("/api/v1/status").json()
        from_cli = self.stand.ask("status")
        self.assertLessEqual(set(from_api), set(from_cli))
        self.assertEqual(from_api["loop"]["holder"], from_cli["loop"]["holder"])

    def test_a_write_with_one_key_is_one_command(self):
        first = self.here.post("/api/v1/loop:pause", {"reason": "once"}, Idempotency_Key="k-1")
        again = self.here.post("/api/v1/loop:pause", {"reason": "once"}, Idempotency_Key="k-1")
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(first.json(), again.json())
        for key in ("", "with/slash", "api:uid 0:k-1", "api:x:k-1"):
            stolen = self.here.post("/api/v1/commands", {"verb": "pause"}, Idempotency_Key=key)
            self.assertEqual((stolen.status, stolen.kind()), (400, "bad-request"), key)
        for _ in range(2):  # a ledger has no U+0000
            nul = self.here.post("/api/v1/loop:pause", {"reason": "no\0ne"}, Idempotency_Key="k-nul")
            self.assertEqual(nul.status, 200, nul.body)
        other = self.here.post("/api/v1/loop:pause", {"reason": "other"}, Idempotency_Key="k-1")
        self.assertEqual((other.status, other.kind()), (409, "conflict"))
        self.assertEqual(self.stand.sql("SELECT count(*) FROM amdahl.command WHERE key LIKE '%k-1'"), "1")
        self.assertEqual(self.here.post("/api/v1/loop:resume", {}).status, 200)

    def test_a_body_with_something_wrong_names_each_member(self):
        answer = self.here.post("/api/v1/hypotheses", {"job": 5, "changes": [{"name": "x"}], "colour": 1})
        self.assertEqual(answer.status, 422)
        named = {error["pointer"]: error.get("allowed") for error in answer.json()["errors"]}
        self.assertEqual(named, {"/job": {"type": "string"}, "/changes/0/kind": None, "/colour": None})
        unknown = self.here.post("/api/v1/hypotheses", {"job": "none", "changes": [
            {"kind": "arg", "name": "x", "value": "1"}]})
        self.assertEqual((unknown.status, unknown.kind()), (404, "not-found"))
        self.assertIn("amdahl jobs", unknown.json()["hint"])

    def test_what_is_no_request_of_ours_is_told_apart(self):
        wrong = self.here.ask("POST", "/api/v1/status")
        self.assertEqual((wrong.status, wrong.headers["allow"]), (405, "GET"))
        text = self.here.ask("POST", "/api/v1/loop:pause", "{}", {"Content-Type": "text/plain"})
        self.assertEqual(text.status, 415)
        packed = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Idempotency-Key": "packed"}
        for path in ("/api/v1/loop:pause", "/api/v1/commands", "/api/v1/webhooks/deliveries/1:replay"):
            answer = self.here.ask("POST", path, '{"verb":"pause"}' if "commands" in path else "{}", packed)
            self.assertEqual((answer.status, answer.kind()), (415, "unsupported-media-type"), path)
        self.assertEqual(self.stand.sql("SELECT count(*) FROM amdahl.command WHERE key LIKE '%packed'"), "0")
        for path in ("/api/v1/../v1/jobs", "//api", "/api//v1", "/api/v1/jobs/%00", "/api/v1/jobs/%2e%2e",
                     "/api/v1/jobs/%ff", "/api/v1/jobs/a%2fb", "/%zz", "/api/v1/jobs?a=%ff", "/api/v1/jobs?a=1&a=2"):
            self.assertEqual(self.here.get(path).status, 400, path)
        for body in ('{"reason":"a","reason":"b"}', "[" * 200 + "]" * 200, '{"reason":', b'{"reason":"\xff"}',
                     "nonsense"):
            answer = self.here.ask("POST", "/api/v1/loop:pause", body, {"Content-Type": "application/json"})
            self.assertEqual((answer.status, answer.kind()), (400, "bad-request"), body)
        self.check_still_serves()

    def test_head_and_request_ids(self):
        answer = self.here.ask("HEAD", "/healthz")
        self.assertEqual((answer.status, answer.body), (200, b""))
        ids = {self.here.get("/healthz").headers["x-request-id"] for _ in range(5)}
        self.assertEqual(len(ids), 5)

    def test_the_document_describes_what_is_there(self):
        document = self.open.get("/openapi.json").json()
        self.assertEqual(document["openapi"], "3.1.0")
        for path in ("/api/v1/experiments/{id}", "/api/v1/hypotheses", "/hooks/slurm", "/metrics",
                     "/api/v1/stream", "/openapi.json", "/api/v1/loop:pause"):
            self.assertIn(path, document["paths"])
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                for answer in operation["responses"].values():
                    for content in answer.get("content", {}).values():
                        reference = content["schema"].get("$ref", "")
                        name = reference.rpartition("/")[2]
                        self.assertIn(name, {"", *document["components"]["schemas"]}, (path, method))


class Changes(WithService):
    def test_what_the_ledger_gained_is_in_the_next_answer(self):
        asks = [self.here.get("/api/v1/status").json() for _ in range(8)]  # each worker has seen it
        self.assertEqual({answer["jobs"] for answer in asks}, {0})
        self.assertEqual(self.here.post("/api/v1/loop:pause", {}).status, 200)
        added = amdahl("jobs", "add", self.stand.threefold(), config=self.stand.config)
        self.assertEqual(added.returncode, 0, added.stderr)
        for _ in range(8):
            status = self.here.get("/api/v1/status").json()
            self.assertEqual((status["jobs"], status["loop"]["paused"]), (1, True))
            self.assertEqual(set(status), set(asks[0]))


KINDS = {400: "bad-request", 404: "not-found", 413: "too-large", 431: "too-large"}


class BadBytes(WithService):
    """Straight to the port, as no client would."""

    def check_answer(self, data, *wanted):
        said = answers(raw(self.port, data))
        self.assertEqual([status for status, _, _ in said], list(wanted), data[:80])
        for status, headers, body in said:
            if status in KINDS:
                problem = json.loads(body)
                self.assertEqual(headers["content-type"], "application/problem+json")
                self.assertEqual(problem["type"].rpartition("/")[2], KINDS[status])
                self.assertEqual((problem["status"], problem["request_id"]), (status, headers["x-request-id"]))
                self.assertTrue(problem["hint"])
        if said and data.startswith((b"GET /", b"POST /")):
            method, target = data.decode("latin-1").split(" ")[:2]
            self.document.check(method, target, *said[0])
        self.check_still_serves()

    def test_what_is_no_http_is_told_so_or_closed(self):
        self.check_answer(b"nonsense\r\n\r\n", 400)
        self.check_answer(b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 400)
        self.check_answer(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400)
        self.check_answer(b"")
        self.check_answer(b"GET /hea")
        self.check_answer(b"GET http://other/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400)

    def test_each_bound_of_a_request_holds(self):
        self.check_answer(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431)
        self.check_answer(b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400)
        head = b"POST /hooks/generic HTTP/1.1\r\nHost: x\r\n"
        self.check_answer(head + b"Content-Length: 2000000\r\n\r\n", 413)
        piece = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        self.check_answer(head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 20, 413)

    def test_requests_that_two_readers_would_read_apart_are_refused(self):
        head = b"POST /hooks/generic HTTP/1.1\r\nHost: x\r\n"
        self.check_answer(head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
        self.check_answer(head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400)
        self.check_answer(head + b"Content-Length: -1\r\n\r\n", 400)
        self.check_answer(b"GET /healthz HTTP/1.1\r\n\r\n", 400)
        self.check_answer(b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)

    def test_a_body_with_a_transfer_coding_that_is_not_known_hides_no_second_request(self):
        hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        piece = b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
        for coding in (b"", b"xchunked", b"gzip", b"identity", b"chunked, chunked", b"chunked, gzip", b"gzip, chunked",
                       b"identity, chunked", b'"chunked"', b"chunked;q=1", b"chunked,",
                       b"chunked\r\nTransfer-Encoding: chunked", b"identity\r\nTransfer-Encoding: chunked",
                       b"chunked\r\nTransfer-Encoding: identity"):
            for length in (b"", b"Content-Length: %d\r\n" % len(hidden)):
                for method, body in ((b"POST /hooks/generic", piece), (b"GET /healthz", hidden)):
                    self.check_answer(method + b" HTTP/1.1\r\nHost: x\r\n" + length + b"Transfer-Encoding: " + coding +
                                      b"\r\n\r\n" + body, 400)
        self.check_answer(b"GET /healthz HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 400)

    def test_what_follows_a_body_is_no_header(self):
        token = make_token(self.stand, "trailer", "operate").encode()
        self.check_answer(b"POST /api/v1/loop:resume HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                          b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"2\r\n{}\r\n0\r\nAuthorization: Bearer " + token + b"\r\n\r\n", 401)

    def test_pipelined_requests_are_answered_in_their_order(self):
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        two = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        self.check_answer(one + two + one, 200, 404, 200)

    def test_a_chunked_body_is_a_body(self):
        body = b'{"reason":"in pieces"}'
        pieces = b"".join(b"%x\r\n%b\r\n" % (len(body[i:i + 5]), body[i:i + 5]) for i in range(0, len(body), 5))
        token = make_token(self.stand, "pieces", "operate").encode()
        self.check_answer(b"POST /api/v1/loop:resume HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                          b"Content-Type: application/json\r\nAuthorization: Bearer " + token +
                          b"\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n", 200)

    def test_a_sender_that_waits_for_leave_is_given_it(self):
        answer = raw(self.port, b"POST /hooks/generic HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        self.assertEqual(statuses(answer), [100, 401])

    def test_slow_and_half_requests_keep_nobody_waiting(self):
        slow = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(200)]
        try:
            for sock in slow:
                sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
            self.check_still_serves()
        finally:
            for sock in slow:
                sock.close()
        self.check_still_serves()


class Streams(WithService):
    def pause_and_resume(self):
        self.assertEqual(self.here.post("/api/v1/loop:pause", {}).status, 200)
        self.assertEqual(self.here.post("/api/v1/loop:resume", {}).status, 200)

    def test_what_happens_comes_and_a_client_that_was_away_misses_nothing(self):
        self.pause_and_resume()
        stream = self.here.stream("/api/v1/stream?after=0")
        self.assertEqual(stream.response.headers["Content-Type"], "text/event-stream")
        self.assertEqual(stream.response.headers["X-Accel-Buffering"], "no")  # nginx would collect events
        first = [stream.next() for _ in range(3)]
        seqs = [int(event["id"]) for event in first]
        self.assertEqual(seqs, sorted(set(seqs)))
        self.assertEqual(json.loads(first[0]["data"])["seq"], seqs[0])
        stream.close()
        self.pause_and_resume()
        again = self.here.stream("/api/v1/stream", Last_Event_ID=str(seqs[-1]))
        wanted = [event["seq"] for event in self.here.get(f"/api/v1/events?after={seqs[-1]}&limit=200").json()["events"]]
        self.assertEqual([int(again.next()["id"]) for _ in wanted], wanted)
        again.close()

    def test_a_topic_leaves_the_others_out(self):
        stream = self.here.stream("/api/v1/stream?topics=experiments").begun()
        everything = self.here.stream("/api/v1/stream?topics=loop,experiments").begun()
        self.pause_and_resume()
        self.assertEqual(everything.next()["event"], "loop_paused")
        stream.connection.sock.settimeout(0.5)
        with self.assertRaises((socket.timeout, TimeoutError)):
            stream.next()
        stream.close()
        everything.close()
        wrong = self.here.get("/api/v1/stream?topics=nonsense")
        self.assertEqual(wrong.status, 400)
        allowed = wrong.json()["errors"][0]["allowed"]["pattern"]
        self.assertRegex("loop,bank", allowed)
        self.assertNotRegex("nonsense", allowed)
        self.assertEqual(self.here.get("/api/v1/stream", **{"Last-Event-ID": "x"}).status, 400)

    def test_a_stream_ends_with_the_token_that_opened_it(self):
        tokens = {name: make_token(self.stand, f"stream-{name}", "read") for name in ("stays", "revoked")}
        tokens["expires"] = make_token(self.stand, "stream-expires", "read", int((time.time() + 8) * 1e6))
        streams = {name: Door(port=self.port, token=token).stream("/api/v1/stream").begun()
                   for name, token in tokens.items()}
        self.assertEqual(self.stand.sql("SELECT amdahl.revoke_token('stream-revoked')"), "t")
        for name in ("revoked", "expires"):
            streams[name].connection.sock.settimeout(14)  # comments come each 15 s
            self.assertIsNone(streams[name].next(), name)
        self.pause_and_resume()
        self.assertEqual(streams["stays"].next()["event"], "loop_paused")
        for stream in streams.values():
            stream.close()

    def test_a_client_from_another_ledger_is_told_to_begin_anew(self):
        stream = self.here.stream("/api/v1/stream?after=999999")
        self.assertEqual(stream.next()["event"], "reset")
        stream.close()


class Hooks(WithService):
    def deliver(self, body, secret=SECRET, path="/hooks/generic", **headers):
        data = json.dumps(body).encode()
        return self.open.ask("POST", path, data, {**signed(secret, data), **headers})

    def deliveries(self):
        return self.here.get("/api/v1/webhooks/deliveries?limit=200").json()["deliveries"]

    def said(self, row):
        return self.here.get(f"/api/v1/webhooks/deliveries/{row['delivery']}").json()["body"]

    def test_a_signed_delivery_is_stored_wakes_the_loop_and_its_replay_does_nothing(self):
        data = json.dumps({"type": "slurm.job.ended", "data": {"job_id": "17"}}).encode()
        headers = signed(SECRET, data)
        stored = self.open.ask("POST", "/hooks/generic", data, headers)
        self.assertEqual(stored.status, 202, stored.body)
        replay = self.open.ask("POST", "/hooks/generic", data, headers)
        self.assertEqual(replay.status, 200, replay.body)
        mine = [row for row in self.deliveries() if row["id"] == headers["webhook-id"]]
        self.assertEqual([(row["cluster"], row["replays"]) for row in mine], [("local", 1)])
        # The loop sleeps for an hour between cycles: only the delivery can have woken it.
        wait_until(lambda: all(row["done"] for row in self.deliveries()), "the leader looked")

    def test_sources_are_shown_without_their_secrets(self):
        self.assertEqual(self.deliver({"type": "x.y"}).status, 202)
        answer = self.here.get("/api/v1/webhooks/sources")
        for secret in (SECRET, OLD_SECRET, "a-token-of-these-tests"):
            self.assertNotIn(secret.encode(), answer.body)
        [source] = answer.json()["sources"]
        self.assertIsNotNone(source.pop("last_at"))
        self.assertEqual(source, {"cluster": "local", "enabled": True, "secrets": 2, "unsigned_doors": True,
                                  "ended_since": 0})

    def test_both_live_secrets_open_and_nothing_else_does(self):
        self.assertEqual(self.deliver({"type": "x.y"}, OLD_SECRET).status, 202)
        forged = self.deliver({"type": "x.y"}, "whsec_" + base64.b64encode(b"somebody else's secret, 32 bytes").decode())
        self.assertEqual((forged.status, forged.kind()), (401, "bad-signature"))
        data = b'{"type":"x.y"}'
        stale = self.open.ask("POST", "/hooks/generic", data, signed(SECRET, data, at=time.time() - 600))
        self.assertEqual((stale.status, stale.kind()), (401, "stale-time"))
        changed = self.open.ask("POST", "/hooks/generic", b'{"type":"x.z"}', signed(SECRET, data))
        self.assertEqual(changed.status, 401)
        other = self.deliver({"type": "slurm.job.ended", "data": {"cluster": "other"}})
        self.assertEqual(other.status, 401)

    def test_a_lying_delivery_changes_no_state(self):
        before = self.stand.sql("SELECT head_seq FROM amdahl.loop_head")
        self.deliver({"type": "slurm.job.ended", "data": {"job_id": "1", "state": "COMPLETED",
                                                          "amdahl_run": "al-" + "a" * 26 + "-1"}})
        wait_until(lambda: all(row["done"] for row in self.deliveries()), "the leader looked")
        self.assertEqual(self.stand.sql("SELECT head_seq FROM amdahl.loop_head"), before)

    def test_each_door_is_counted_as_itself(self):
        token = {"Authorization": f"Bearer {URL_TOKEN}", "Content-Type": "application/json"}
        event = b'{"type":"kubernetes.job.event","data":{"name":"sft-77"}}'
        self.assertEqual(self.open.ask("POST", "/hooks/kubernetes", event, token).status, 202)
        self.assertEqual(self.deliver({"type": "x.counted"}).status, 202)
        shown = self.open.get("/metrics").body.decode().splitlines()
        stored = [line for line in shown if line.startswith('amdahl_webhook_received_total{result="stored",')]
        for source in ("kubernetes-events/local", "generic/local"):
            [line] = [line for line in stored if f'source="{source}"' in line]
            self.assertGreater(float(line.split()[1]), 0, line)
        self.assertEqual([line for line in stored if 'source="other"' in line], [])

    def test_slurm_posts_its_record_without_its_script(self):
        record = {"jobid": 77, "job_name": "train", "state": "COMPLETED", "script": "#!/bin/sh\nsecret",
                  "cluster": "local", "tres_alloc": "gres/gpu=8", "@end": "2026-11-21T09:14:05"}
        path = "/hooks/slurm-es/a-token-of-these-tests-0123456789/_doc"
        answer = self.open.ask("POST", path, json.dumps(record), {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 201, answer.body)
        kept = self.said(self.deliveries()[0])
        self.assertEqual(kept["job_name"], "train")
        self.assertNotIn("secret", json.dumps(kept))
        wrong = self.open.ask("POST", path.replace("0123", "3210"), json.dumps(record),
                              {"Content-Type": "application/json"})
        self.assertEqual(wrong.status, 401)
        self.assertNotIn("a-token-of", (self.stand.folder / "serve-0.log").read_text())
        self.assertNotIn("a-token-of", answer.body.decode() + wrong.body.decode())

    def test_an_operator_lets_the_leader_look_again(self):
        self.deliver({"type": "x.again"})
        wait_until(lambda: all(row["done"] for row in self.deliveries()), "the leader looked")
        number = self.deliveries()[0]["delivery"]
        self.assertEqual(self.here.post(f"/api/v1/webhooks/deliveries/{number}:replay", {}).status, 202)
        wait_until(lambda: all(row["done"] for row in self.deliveries()), "it looked again")
        self.assertEqual(self.here.post("/api/v1/webhooks/deliveries/999999:replay", {}).status, 404)


if __name__ == "__main__":
    unittest.main()
