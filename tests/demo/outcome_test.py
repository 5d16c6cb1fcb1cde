import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import outcome

seed = 3


def good_report():
    names = outcome.naming(seed)
    verdict = {"workers": ("win", "upheld"), "batch": ("win", "upheld"), "gpus": ("win", "upheld"),
               "rows": ("refuted", "veto of quality"), "prefetch": ("refuted", "exit 1 in 3 pairs")}
    rows = []
    for name, knob in names.items():
        kind = "resource" if knob == "gpus" else "arg"
        outcome_word, reason = verdict.get(knob, ("no_effect", "futile"))
        changed = "gpus" if knob == "gpus" else name
        rows.append({"hypothesis": [{"kind": kind, "name": changed, "value": "1"}], "knob": name,
                     "verdict": outcome_word, "pairs": 3, "reason": reason})
    legs = [{"predictions": "ab"}]
    return {"schema": "amdahl.demo/v1", "saving": 0.87, "pairs": 48, "verdicts": rows,
            "measured": {"baseline": legs, "champion": legs}, "gpu_hours": {"banked_gpu_hours": 0.001}}


def broken(change):
    report = copy.deepcopy(good_report())
    change(report)
    return outcome.problems(report, seed)


class Outcome(unittest.TestCase):
    def test_a_good_report_has_no_problem(self):
        self.assertEqual(outcome.problems(good_report(), seed), [])

    def test_each_shortfall_is_named(self):
        def row(report, knob):
            names = outcome.naming(seed)
            return next(r for r in report["verdicts"] if outcome.knob_of(r, names) == knob)

        for change in (lambda r: r.update(saving=0.7), lambda r: r.update(pairs=111),
                       lambda r: r["verdicts"].pop(),
                       lambda r: r["measured"]["champion"][0].update(predictions="cd")
                       or r["measured"].update(baseline=[{"predictions": "ab"}]),
                       lambda r: row(r, "rows").update(verdict="win"),
                       lambda r: row(r, "prefetch").update(reason="slow"),
                       lambda r: row(r, "gpus").update(pairs=2),
                       lambda r: r["gpu_hours"].update(banked_gpu_hours=0)):
            self.assertNotEqual(broken(change), [])


if __name__ == "__main__":
    unittest.main()
