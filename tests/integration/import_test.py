"""Accounting in the ledger as people bring it in: the same numbers as of the file, whatever happens on the way."""

import json
import subprocess
import sys
import unittest

from stand import PROGRAM, SOURCE, Stand, amdahl, wait_until

sys.path.insert(0, str(SOURCE / "bench"))
import sacct_lines  # noqa: E402  (beside the measurements)


def numbers(document):
    """What a ledger and a file must agree on."""
    left_out = {why: count for why, count in document["left_out"].items() if why != "unreadable"}
    return {**{name: document[name] for name in ("days", "attempts", "families", "jobs")}, "left_out": left_out}


class Import(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.remove)
        self.stand.start_ledger()

    def file_of(self, text, name="sacct.txt"):
        path = self.stand.folder / name
        path.write_text(text)
        return path

    def bring_in(self, file, *words):
        return self.stand.ask("import", "sacct", "--from", file, *words)

    def same_as(self, *files):
        """Ranked, the ledger says what these files say together."""
        said = self.stand.ask("rank", "--limit", 200)["fleet"]
        text = "".join(file.read_text() for file in files)
        done = amdahl("rank", "--from", "-", "--limit", 200, "-o", "json", stdin=text)
        self.assertEqual(numbers(said), numbers(json.loads(done.stdout)))
        self.assertTrue(self.stand.ask("ledger", "verify")["ok"])

    def test_the_ledger_ranks_as_the_file_does_and_again(self):
        file = self.file_of("\n".join(sacct_lines.lines(6_000, seed=7, steps_share=0.3)))
        first = self.bring_in(file)
        self.assertEqual((first["lines"], first["refused"], first["unchanged"]), (6_000, 0, 0))
        self.assertEqual(first["new"], first["attempts"])
        self.same_as(file)
        again = self.bring_in(file)
        self.assertEqual((again["new"], again["changed"], again["unchanged"]), (0, 0, first["attempts"]))
        self.same_as(file)
        shown = amdahl("rank", config=self.stand.config)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("WASTE", shown.stdout)
        self.assertIn("attempts", shown.stderr)

    def test_real_accounting_in_text_and_json_is_one_accounting(self):
        fixture = SOURCE / "tests/fixtures/slurm/22.05"
        text = self.bring_in(fixture / "sacct_D.txt", "--cluster", "lab")
        self.assertEqual((text["attempts"], text["refused"]), (11, 0))
        self.assertEqual(self.bring_in(fixture / "sacct_D.txt", "--cluster", "lab")["unchanged"], 11)
        document = self.bring_in(fixture / "sacct.json")
        self.assertEqual((document["attempts"], document["refused"]), (11, 0))
        self.assertEqual(self.bring_in(fixture / "sacct.json")["unchanged"], 11)
        self.assertTrue(self.stand.ask("ledger", "verify")["ok"])

    def test_killed_in_the_middle_a_repeat_completes_it(self):
        whole = "\n".join(sacct_lines.lines(60_000, seed=3)) + "\n"
        file = self.file_of(whole)
        command = [str(PROGRAM), "--config", str(self.stand.config), "import", "sacct", "--from", "-"]
        dying = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        # Half of the file, and the pipe stays open: it waits for more when the first batch is stored.
        dying.stdin.write(whole[:len(whole) // 2].encode())
        dying.stdin.flush()
        wait_until(lambda: (self.stand.ask("rank")["fleet"] or {"attempts": 0})["attempts"] > 0, "a batch is stored")
        dying.kill()
        dying.wait()
        dying.stdin.close()
        self.assertTrue(self.stand.ask("ledger", "verify")["ok"])
        repeated = self.bring_in(file)
        self.assertGreater(repeated["unchanged"], 0)
        self.assertGreater(repeated["new"], 0)
        self.same_as(file)

    def test_a_job_that_ran_at_the_first_import_has_ended_at_the_second(self):
        titles = "JobIDRaw|JobName|User|Account|Partition|Cluster|State|Submit|Eligible|Start|End|AllocTRES\n"
        begun = "7|train|ann|vision|gpu|fleet|{}|1795790000|1795790000|1795790100|{}|gres/gpu=8,node=1\n"
        first = self.file_of(titles + begun.format("RUNNING", "Unknown"), "first.txt")
        requeued = begun.format("REQUEUED", "1795793700")
        later = "7|train|ann|vision|gpu|fleet|COMPLETED|1795793800|1795793800|1795793900|1795797500|gres/gpu=8,node=1\n"
        second = self.file_of(titles + requeued + later, "second.txt")
        self.assertEqual(self.bring_in(first)["new"], 1)
        self.same_as(first)
        both = self.bring_in(second)
        self.assertEqual((both["new"], both["changed"]), (1, 1))
        self.same_as(second)
        self.assertEqual(self.bring_in(first)["unchanged"], 1)
        self.same_as(second)

    def test_an_export_carries_it_and_an_import_brings_it_back(self):
        file = self.file_of("\n".join(sacct_lines.lines(500, seed=5)))
        self.bring_in(file)
        copy = self.stand.folder / "copy.ledger"
        self.stand.ask("ledger", "export", copy)
        self.assertTrue(json.loads(amdahl("ledger", "verify", "--from", copy, "-o", "json").stdout)["ok"])
        rows = [line for line in copy.read_text().splitlines() if line.startswith("accounting_attempt ")]
        self.assertEqual(len(rows), 499)

    def test_what_cannot_be_reached_is_named(self):
        gone = amdahl("import", "sacct", "--from", self.stand.folder / "gone.txt", config=self.stand.config)
        self.assertEqual(gone.returncode, 5)
        self.assertIn("gone.txt: No such file", gone.stderr)
        none = amdahl("import", "sacct", config=self.stand.config)
        self.assertEqual(none.returncode, 5)
        self.assertIn("no cluster of Slurm is configured", none.stderr)


if __name__ == "__main__":
    unittest.main()
