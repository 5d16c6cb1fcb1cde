"""The loop on real Slurm: a win through both ways, and one fault of each class over REST."""

import json
import os
import sys
import unittest

from on_slurm import STEPS, OnSlurm
from rest_proxy import answer_lost, request_lost
from stand import wait_until


class ThroughCommands(OnSlurm):
    via = "cli"

    def test_a_win_is_found(self):
        self.serve_to_the_win()


class ThroughRest(OnSlurm):
    def test_a_service_killed_at_every_step_of_a_submission_runs_each_leg_once(self):
        for step in STEPS:
            service = self.serve(step)
            wait_until(lambda: not service.lives(), f"the service dies at {step}")
        self.serve_to_the_win()

    def test_an_answer_that_is_lost_is_no_reason_to_submit_again(self):
        self.proxy.faults.extend([answer_lost, request_lost, answer_lost])
        self.serve_to_the_win()
        self.assertEqual(self.proxy.met, 3)

    def test_a_controller_killed_right_after_a_submit_gives_the_number_to_somebody_else(self):
        def lose_the_job(forward):
            answer = forward()
            if reused:
                return answer
            self.restart_controller()
            # Where the state that it saved is older than the answer the number is free again.
            stranger = self.lab.run("sbatch", "--parsable", "--hold", "--job-name=stranger", "--output=/dev/null",
                                    "--wrap=true")
            if stranger == str(json.loads(answer[1])["job_id"]):
                reused.append(stranger)
            return answer

        reused = []
        self.proxy.faults.extend([lose_the_job] * 6)
        self.serve_to_the_win()
        self.assertTrue(reused, "the controller had saved its state each time")
        self.assertEqual(self.lab.run("squeue", "-h", "-j", reused[0], "-o", "%j %r"), "stranger JobHeldUser")

    def test_a_token_that_expires_in_mid_experiment_is_waited_for_and_read_again(self):
        self.configure(concurrent_runs=1)  # so that it takes its time
        self.token.write_text(self.lab.token(lifespan=6))
        service = self.serve()
        self.wait_for_legs(2)
        service.wait_for("cluster_unseen")
        submitted, refused = len(service.events("run_submitted")), self.proxy.refused
        wait_until(lambda: self.proxy.refused >= refused + 5, "it asks on")
        self.assertEqual((len(service.events("run_submitted")), self.wins()), (submitted, []), "without a token")
        self.token.write_text(self.lab.token())
        service.wait_for("cluster_seen")
        self.end_in_a_win(service)

    def test_without_accounting_answers_nothing_is_lost(self):
        self.lab.kill("slurmdbd")
        self.addCleanup(self.lab.start_dbd)
        self.serve_to_the_win()

    def test_a_node_that_is_lost_voids_its_pairs_alone(self):
        self.configure(concurrent_runs=2)  # more at once, and so much would be void that the judge gives up
        service = self.serve()
        for legs, node in ((3, "n1"), (6, "n2"), (9, "n3")):
            self.wait_for_legs(legs)
            self.lab.fail_node(node)
            self.addCleanup(self.lab.start_node, node)
            if self.comes_to("node_failed"):
                break
        self.end_in_a_win(service)
        self.assertTrue(self.ended_as("node_failed"), "no run was met")

    def test_preempted_runs_are_nobodys_evidence(self):
        self.configure(concurrent_runs=2)
        service = self.serve()
        for legs in range(2, 14):
            self.wait_for_legs(legs)
            self.lab.run("sbatch", "--parsable", "--partition=urgent", "--nodes=4", "--exclusive", "--gres=gpu:8",
                         "--output=/dev/null", "--wrap=sleep 1")
            if self.comes_to("preempted", seconds=2):
                break
        self.end_in_a_win(service)
        self.assertTrue(self.ended_as("preempted"), "no run was met")

    # What is to happen to a run must find one.
    test_a_node_that_is_lost_voids_its_pairs_alone.slowness = 6
    test_preempted_runs_are_nobodys_evidence.slowness = 6


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
