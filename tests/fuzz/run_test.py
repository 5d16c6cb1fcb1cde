"""How executions are shared out between fuzz targets, and read from libFuzzer's words."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import run


class Executions(unittest.TestCase):
    def test_they_are_read_from_what_libfuzzer_prints(self):
        self.assertEqual(run.executions("#2 INITED\nDone 1200 runs in 3 second(s)\n"), 1200)
        self.assertEqual(run.executions("stat::number_of_executed_units: 77\n"), 77)
        self.assertEqual(run.executions("==1==ERROR: libFuzzer: deadly signal\n"), 0)


class Rounds(unittest.TestCase):
    def rounds(self, wanted, fuzz):
        self.asked = []

        def recorded(name, runs, seconds, keep):
            self.asked.append((name, runs))
            ok, done = fuzz(name, runs)
            return {"name": name, "ok": ok, "runs": done, "seconds": 1 if name == "fast" else 8, "output": ""}
        return run.rounds(["fast", "slow"], wanted, 9, False, recorded)

    def test_every_target_gets_its_share(self):
        results = self.rounds(1001, lambda name, runs: (True, runs))
        self.assertEqual([result["runs"] for result in results], [501, 501])

    def test_the_fastest_makes_up_for_what_a_slow_one_leaves(self):
        results = self.rounds(1000, lambda name, runs: (True, 100 if name == "slow" else runs))
        self.assertEqual([result["runs"] for result in results], [900, 100])

    def test_the_fastest_is_the_one_with_the_most_executions_a_second(self):
        # The slow one came further, in eight times the time.
        results = self.rounds(1000, lambda name, runs: (True, 400 if name == "slow" else 300 if runs == 500 else runs))
        self.assertEqual([result["runs"] for result in results], [600, 400])

    def test_a_crash_is_not_made_up_for(self):
        results = self.rounds(1000, lambda name, runs: (name == "fast", runs // 2))
        self.assertEqual([result["ok"] for result in results], [True, False])
        self.assertEqual(len(self.asked), 2)


if __name__ == "__main__":
    unittest.main()
