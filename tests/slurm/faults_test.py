"""What else may happen to the loop on real Slurm (label slurm-full): every fault of docs/reference/slurm.md."""

import json
import os
import shutil
import signal
import sys
import threading
import unittest

from on_slurm import MESSAGE_TIMEOUT_S, STEPS, OnSlurm
from stand import wait_until


class ThroughCommands(OnSlurm):
    via = "cli"

    def with_sbatch(self, after):
        """A folder for PATH whose sbatch submits, and then runs `after` once, a shell text that knows what sbatch
        `answered` and with what `status`."""
        folder = self.stand.folder / "bin"
        folder.mkdir()
        program = folder / "sbatch"
        program.write_text(f"""#!/bin/bash
answered=$({shutil.which("sbatch")} "$@"); status=$?
if [ $status = 0 ] && mkdir {folder}/done 2>/dev/null; then
{after}
fi
printf '%s\\n' "$answered"
exit $status
""")
        program.chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}

    def had(self):
        return (self.stand.folder / "bin/done").exists()

    def test_a_service_killed_at_every_step_of_a_submission_runs_each_leg_once(self):
        for step in STEPS:
            service = self.serve(step)
            wait_until(lambda: not service.lives(), f"the service dies at {step}")
        self.serve_to_the_win()

    def test_an_answer_that_is_lost_is_no_reason_to_submit_again(self):
        path = self.with_sbatch("echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv "
                                "operation' >&2; exit 1")
        self.end_in_a_win(self.serve(**path))
        self.assertTrue(self.had())

    def test_a_controller_killed_right_after_a_submit_repeats_nothing(self):
        path = self.with_sbatch(f"kill -9 {self.lab.processes['slurmctld'].pid}")
        service = self.serve(**path)
        wait_until(self.had, "sbatch has submitted")
        self.lab.kill("slurmctld")
        self.lab.start_ctld()
        self.end_in_a_win(service)


class ThroughRest(OnSlurm):
    laboratory = {"more": "PartitionName=brief Nodes=n1 MaxTime=1 State=UP"}

    def test_a_service_killed_again_and_again_runs_each_leg_once(self):
        for legs in (1, 4, 7, 10):
            service = self.serve()
            self.wait_for_legs(legs)
            service.kill()
        self.serve_to_the_win()

    def test_a_controller_killed_in_mid_experiment_repeats_nothing(self):
        service = self.serve()
        for legs in (2, 6):
            self.wait_for_legs(legs)
            self.restart_controller()
        self.end_in_a_win(service)

    def test_a_controller_killed_before_it_answers_a_submit_repeats_nothing(self):
        def die_with_it(forward):
            forward()
            self.restart_controller()

        self.proxy.faults.extend([die_with_it, lambda forward: forward(), die_with_it])
        self.serve_to_the_win()
        self.assertEqual(self.proxy.met, 3)

    def test_a_controller_that_stands_still_during_a_submit_repeats_nothing(self):
        def stand_still(forward):
            self.lab.pause("slurmctld")
            threading.Timer(2 * MESSAGE_TIMEOUT_S, self.lab.resume, ["slurmctld"]).start()
            answers.append(forward())
            return answers[-1]

        answers = []
        self.proxy.faults.extend([stand_still, lambda forward: forward(), stand_still])
        self.serve_to_the_win()
        self.assertEqual(self.proxy.met, 3)
        self.assertTrue(any(status != 200 or json.loads(body).get("errors") for status, body in answers), answers)

    def test_a_controller_that_stands_still_in_mid_experiment_repeats_nothing(self):
        service = self.serve()
        for legs in (1, 3, 6):
            self.wait_for_legs(legs)
            self.stand_still()
        self.end_in_a_win(service)

    def test_errors_beside_a_job_id_are_no_refusal(self):
        self.lab.run("scontrol", "update", "nodename=n[1-4]", "state=drain", "reason=test")
        self.addCleanup(self.lab.run, "scontrol", "update", "nodename=n[1-4]", "state=resume", check=False)

        def note(forward):
            answers.append(forward())
            return answers[-1]

        answers = []
        self.proxy.faults.extend([note] * 2)
        service = self.serve()
        wait_until(lambda: answers, "a run is submitted")
        self.lab.run("scontrol", "update", "nodename=n[1-4]", "state=resume")
        self.end_in_a_win(service)
        told = json.loads(answers[0][1])
        self.assertTrue(told["errors"] and told["job_id"], told)

    def test_a_dead_slurmrestd_is_waited_for(self):
        service = self.serve()
        self.wait_for_legs(2)
        self.lab.kill("slurmrestd", signal.SIGKILL)
        self.lab.start_rest()
        self.end_in_a_win(service)

    def test_runs_that_somebody_else_cancels_are_nobodys_evidence(self):
        self.lab.run("scontrol", "update", "nodename=n[1-4]", "state=drain", "reason=test")
        self.addCleanup(self.lab.run, "scontrol", "update", "nodename=n[1-4]", "state=resume", check=False)
        service = self.serve()

        def released():
            lines = self.lab.run("squeue", "-h", "-t", "pending", "-o", "%i %r").splitlines()
            return [line.split()[0] for line in lines if "Held" not in line]

        self.lab.run("scancel", wait_until(released, "a released run waits for a node")[0])
        self.wait_for_outcome("cancelled")
        self.lab.run("scontrol", "update", "nodename=n[1-4]", "state=resume")
        self.end_in_a_win(service)

    def test_a_partition_that_does_not_exist_is_said_and_mended(self):
        self.configure(partition="nowhere")
        service = self.serve()
        why = service.wait_for("cluster_unseen")[0]["why"]
        self.assertIn("partition nowhere", why)
        reasons = [row["reason"] for row in self.stand.ask("status")["waiting"]]
        self.assertEqual(reasons, [f"job threefold: cluster lab cannot be seen: {why}"])
        self.assertEqual(service.stop(), 0)
        self.assertEqual(self.stand.executions(), [])
        self.configure()
        self.serve_to_the_win()

    def test_what_can_never_run_is_given_up_after_its_time(self):
        # One at a time: what is given up is void, and the judge bears a quarter of that.
        self.configure(partition="brief", unschedulable_after="3s", concurrent_runs=1)
        service = self.serve()
        self.wait_for_outcome("unschedulable")
        self.assertEqual(service.stop(), 0)
        self.assertEqual(self.stand.executions(), [])
        self.configure(unschedulable_after="3s")
        self.serve_to_the_win()


class ShortMemory(OnSlurm):
    """Slurm forgets a job two seconds after its end."""

    laboratory = {"min_job_age": 2}

    def ended_unseen(self):
        service = self.serve("engine.released")
        wait_until(lambda: not service.lives(), "the service dies after a release")
        self.wait_for_legs(1)
        self.wait_until_forgotten()

    def test_what_ended_and_was_forgotten_before_the_first_look_counts(self):
        self.ended_unseen()
        self.serve_to_the_win()

    def test_what_ended_and_was_forgotten_counts_also_without_accounting(self):
        self.lab.kill("slurmdbd")
        self.addCleanup(self.lab.start_dbd)
        self.ended_unseen()
        self.serve_to_the_win()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
