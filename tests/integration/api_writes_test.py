"""What is asked over the API is done: ideas, their approval, the end of an experiment, jobs and their runs."""

import unittest

from hook_setup import configure
from http_client import Door, make_token
from http_document import Document
from stand import Stand, amdahl, wait_until


class Writes(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()
        configure(self.stand, '[experiment]\napproval = ["arg:pace", "env:WAIT_*"]\n')
        job = self.stand.threefold()
        script = job.parent / "job.sh"
        # Whatever tries the idea stays open until it is ended: its legs wait as long as this file is there.
        hold = self.stand.folder / "hold"
        hold.touch()
        script.write_text(f'while [ "$1" = fast ] && [ -e {hold} ]; do sleep 0.1; done\n' + script.read_text())
        self.assertEqual(amdahl("jobs", "add", job, config=self.stand.config).returncode, 0)
        self.service = self.stand.serve()
        self.service.wait_for("leading")
        plain = Door(socket_path=self.stand.state / "amdahl.sock")
        self.here = Door(socket_path=self.stand.state / "amdahl.sock", document=Document(plain))

    def get(self, path):
        answer = self.here.get(f"/api/v1/{path}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def post(self, path, body, wanted, **headers):
        answer = self.here.post(f"/api/v1/{path}", body, **headers)
        self.assertEqual(answer.status, wanted, (path, answer.body))
        return answer.json()

    def test_from_an_idea_to_the_end_of_its_experiment(self):
        [waiting] = wait_until(lambda: self.get("hypotheses?state=awaiting_approval")["hypotheses"], "one waits")
        number = waiting["hypothesis"]
        self.assertEqual(self.get(f"hypotheses?hypothesis={number}")["hypotheses"], [waiting])
        self.assertTrue(self.post(f"hypotheses/H-{number}:approve", {}, 200)["ok"])
        self.post(f"hypotheses/{number}:approve", {}, 409)

        def of_the_idea():
            return [row for row in self.get("experiments")["experiments"] if row["hypothesis"] == number]

        [trial] = wait_until(of_the_idea, "it is tried")
        path = f"experiments/{trial['name']}"
        self.post(f"{path}:approve", {}, 409, If_Match="*")
        seen = {"If_Match": self.here.get(f"/api/v1/{path}").headers["etag"]}
        once = {**seen, "Idempotency_Key": "abort-once"}
        done = self.post(f"{path}:abort", {"reason": "seen enough"}, 200, **once)
        self.assertTrue(done["ok"])
        wait_until(lambda: self.get(path)["state"] == "aborted", "it is ended")
        # It is another one now: a repetition is answered as it was, what is new is not done.
        self.assertEqual(self.post(f"{path}:abort", {"reason": "seen enough"}, 200, **once), done)
        self.post(f"{path}:abort", {"reason": "seen enough"}, 412, **seen)
        self.assertEqual(self.get(path)["reason"], "seen enough")

    def test_an_idea_of_somebody_is_taken(self):
        idea = {"job": "threefold", "changes": [{"kind": "env", "name": "HURRY", "value": "1"}], "rationale": "faster",
                "source": "agent"}
        self.assertTrue(self.post("hypotheses", idea, 201)["ok"])
        taken = [row for row in self.get("hypotheses")["hypotheses"] if row["source"] == "agent"]
        self.assertEqual([(row["change"], row["rationale"]) for row in taken], [(idea["changes"], "faster")])

    def test_who_may_only_propose_does_not_approve_by_it(self):
        def idea(name, source="human"):
            return {"job": "threefold", "changes": [{"kind": "env", "name": name, "value": "1"}], "source": source}

        port = self.service.wait_for("listening")[0]["port"]
        proposer = Door(port=port, token=make_token(self.stand, "proposer", "propose"))
        self.assertEqual(proposer.post("/api/v1/hypotheses", idea("WAIT_A")).status, 201)
        self.assertEqual(proposer.post("/api/v1/hypotheses", {**idea("WAIT_B"), "may_approve": True}).status, 422)
        sent = proposer.post("/api/v1/commands", {"verb": "propose", "args": {**idea("WAIT_C"), "may_approve": True}},
                             Idempotency_Key="sneaked")
        self.assertEqual(sent.status, 202, sent.body)
        wait_until(lambda: proposer.get("/api/v1/commands/sneaked").json()["done"], "the leader has done it")
        self.post("hypotheses", idea("WAIT_D", "agent"), 201)
        self.post("hypotheses", idea("WAIT_E"), 201)
        states = {row["change"][0]["name"]: row["state"] for row in self.get("hypotheses")["hypotheses"]}
        for name in ("WAIT_A", "WAIT_C", "WAIT_D"):
            self.assertEqual(states[name], "awaiting_approval", states)
        self.assertNotIn("WAIT_B", states)
        self.assertNotEqual(states["WAIT_E"], "awaiting_approval", states)

    def test_a_job_is_added_and_its_champion_runs(self):
        spec = self.get("jobs/threefold")["spec"]
        self.assertTrue(self.post("jobs", {"spec": {**spec, "name": "again"}}, 201)["ok"])
        self.assertEqual(self.get("jobs/again")["spec"], {**spec, "name": "again"})
        self.assertTrue(self.post("jobs/again:run", {"reason": "as production"}, 201)["ok"])
        wait_until(lambda: self.get("jobs/again")["production"]["runs"] == 1, "it ran")


if __name__ == "__main__":
    unittest.main()
