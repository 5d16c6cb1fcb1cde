"""Every query of the shipped dashboard and alerts names what /metrics shows, and the other way round."""

import json
import re
import unittest

from grafana_files import (FOLDER, NAME, SOURCE, alert_queries, dashboard_queries, exposition, faults,
                           samples, types)


def reference():
    """name → (type, labels, producer) as documented."""
    rows = re.findall(r"^\| `(amdahl_\w+)` \| (\w+) \| ([\w, ]*) ?\| ([\w ]+) \|",
                      (SOURCE / "docs/reference/metrics.md").read_text(), re.M)
    return {name: (kind, {word for word in labels.replace(" ", "").split(",") if word}, producer)
            for name, kind, labels, producer in rows}


class Queries(unittest.TestCase):
    def setUp(self):
        self.shown = samples(exposition())

    def test_every_query_names_what_is_shown(self):
        queries = dashboard_queries() + sorted(alert_queries().items())
        self.assertGreater(len(queries), 30)
        for title, query in queries:
            with self.subTest(title):
                self.assertEqual(list(faults(query, self.shown)), [], query)

    def test_the_alerts_are_these(self):
        self.assertEqual(set(alert_queries()), {"AmdahlLoopStalled", "AmdahlSourceSilent",
                                                "AmdahlLedgerDown", "AmdahlQueueOld",
                                                "AmdahlClawedBack"})
        # No producer of coverage yet: the day it is shown, this alert is due.
        self.assertNotIn("amdahl_fleet_coverage_ratio", self.shown)

    def test_every_metric_with_a_producer_is_shown_as_documented(self):
        kinds = types(exposition())
        documented = reference()
        self.assertEqual(set(kinds), {name for name, row in documented.items() if row[2] != "not yet"})
        for name, kind in kinds.items():
            with self.subTest(name):
                self.assertEqual(kind, documented[name][0])
                sample = f"{name}_count" if kind == "histogram" else name
                self.assertEqual(self.shown[sample], documented[name][1])
                self.assertEqual(f"{name}_bucket" in self.shown, kind == "histogram")

    def test_the_dashboard_shows_every_metric_with_a_producer(self):
        asked = " ".join(query for _, query in dashboard_queries())
        for name in types(exposition()):
            self.assertRegex(asked, rf"\b{name}(_bucket|_sum|_count)?\b")

    def test_each_panel_has_a_place_of_its_own(self):
        taken = set()
        for panel in json.loads((FOLDER / "amdahl.json").read_text())["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells


class Faults(unittest.TestCase):
    """What the test above would notice."""
    shown = {"amdahl_a_total": {"x"}, "amdahl_h_bucket": {"x", "le"}, "amdahl_g": set()}

    def said(self, query):
        return list(faults(query, self.shown))

    def test_a_good_query_has_none(self):
        for query in ('sum by (x) (rate(amdahl_a_total{x="1"}[5m]))',
                      "histogram_quantile(0.9, sum by (le, x) (rate(amdahl_h_bucket[5m])))",
                      "time() - max(amdahl_g)"):
            self.assertEqual(self.said(query), [])

    def test_each_fault_is_named(self):
        for query, what in (("amdahl_b_total", "not shown"), ("amdahl_h", "not shown"), ("up", "no metric"),
                            ('amdahl_a_total{y="1"}', "no label y"), ("sum by (y) (amdahl_g)", "by (y)"),
                            ("rate(amdahl_g[5m])", "no counter")):
            self.assertTrue(any(what in said for said in self.said(query)), query)

    def test_a_block_is_read_whole(self):
        text = "  - alert: A\n    expr: |\n      a\n        or b\n    for: 1m\n  - alert: B\n    expr: c == 0\n"
        self.assertEqual(alert_queries(text), {"A": "a or b", "B": "c == 0"})
        self.assertEqual(NAME.findall("sum(amdahl_a_total)"), ["amdahl_a_total"])


if __name__ == "__main__":
    unittest.main()
