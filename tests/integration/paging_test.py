"""Lists over HTTP: a page has its bound, and whoever passes its cursor on sees every row once."""

import unittest
import urllib.parse

from http_test import WithService
from stand import amdahl, wait_until

ROWS = 215  # over one page of the largest size
FAMILIES = 230

# Path, where its rows are and what tells them apart, as which rows the ledger has.
LISTS = {"jobs": ("jobs", "job", "SELECT job_id FROM amdahl.job"),
         "hypotheses": ("hypotheses", "hypothesis", "SELECT hypothesis_id FROM amdahl.hypothesis"),
         "experiments": ("experiments", "experiment", "SELECT experiment_id FROM amdahl.experiment"),
         "runs": ("runs", "run", "SELECT run_id FROM amdahl.worker_run"),
         "experiments/EXP-1/runs": ("runs", "run", "SELECT run_id FROM amdahl.worker_run WHERE experiment_id = 1"),
         "events": ("events", "seq", "SELECT seq FROM amdahl.event WHERE kind <> 'rows_changed'"),
         "bank/entries": ("entries", "entry", "SELECT entry_id FROM amdahl.bank"),
         "webhooks/deliveries": ("deliveries", "delivery", "SELECT delivery_no FROM amdahl.delivery"),
         "wastes": ("jobs", "job", "SELECT slug FROM amdahl.job")}
OWN_CURSORS = [path for path in LISTS if path != "events"]  # that goes on after an event's number


class Lists(WithService):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        added = amdahl("jobs", "add", cls.stand.threefold(), config=cls.stand.config)
        assert added.returncode == 0, added.stderr
        wait_until(lambda: cls.stand.ask("experiments", "--state", "decided")["experiments"], "a verdict")
        assert cls.here.post("/api/v1/loop:pause", {}).status == 200
        wait_until(lambda: not cls.stand.ask("status")["runs"]["running"], "the legs end")
        cls.copy("job", "job_id", slug="'job-' || n")
        cls.copy("hypothesis", "hypothesis_id", replicate="1000 + n")
        cls.copy("experiment", "experiment_id", t="100000 + n")
        cls.copy("worker_run", "run_id", where="experiment_id = 1", pair_id="100000 + n", worker_run_id="'copy-' || n",
                 run_key="'al-' || rpad(translate(n::text, '0189', 'abcd'), 26, 'e') || '-1'")
        cls.fill("INSERT INTO amdahl.bank (debit, credit, gpu_us, experiment_id, production_id, period) "
                 f"SELECT 'bank', 'production', 1, 1, n, '2026-11' FROM generate_series(1, {ROWS}) AS n")
        cls.fill("INSERT INTO amdahl.delivery (source, delivery_id, body) "
                 "SELECT 'generic/local', 'msg-' || n, jsonb_build_object('said', repeat('x', 60000)) "
                 f"FROM generate_series(1, {ROWS}) AS n")
        # Many waste the same: what is behind a page must not depend on the order among equals.
        cls.fill("INSERT INTO amdahl.accounting_family (name, cluster, account, user_name, partition, gpus, runs, "
                 "failed_gpu_s) SELECT 'family-' || n, CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, 'a', 'u', 'p', 8, 1, "
                 f"n / 50 FROM generate_series(1, {FAMILIES}) AS n")
        cls.fill("UPDATE amdahl.accounting_total SET attempts = 1, first_s = 1, last_s = 1000000")

    @classmethod
    def fill(cls, statement):
        cls.stand.sql("SET session_replication_role = replica; " + statement)

    @classmethod
    def copy(cls, table, key, where="true", **changes):
        """One row again and again, but for what must be its own."""
        own = ", ".join(f"'{name}', {value}" for name, value in {key: f"(SELECT max({key}) FROM amdahl.{table}) + n", **changes}.items())
        cls.fill(f"INSERT INTO amdahl.{table} OVERRIDING SYSTEM VALUE "
                 f"SELECT (jsonb_populate_record(whole, jsonb_build_object({own}))).* FROM (SELECT one AS whole "
                 f"FROM amdahl.{table} AS one WHERE {where} ORDER BY {key} DESC LIMIT 1) AS first, "
                 f"generate_series(1, {ROWS}) AS n")

    def page(self, path, **query):
        answer = self.here.get(f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
        self.assertEqual(answer.status, 200, (path, query, answer.body[:300]))
        return answer.json()

    def walk(self, path, **query):
        """The pages of a list, from cursor to cursor."""
        goes_on_by = "after" if path == "events" else "cursor"
        pages = [self.page(path, **query)]
        while pages[-1]["next_cursor"] is not None:
            pages.append(self.page(path, **query, **{goes_on_by: pages[-1]["next_cursor"]}))
            self.assertLess(len(pages), 40, path)
        return pages

    def test_a_page_has_fifty_rows_unless_told_and_two_hundred_at_most(self):
        for path, (rows, _, _) in LISTS.items():
            if path == "events":
                continue  # of this short life there are not that many
            with self.subTest(path=path):
                self.assertEqual(len(self.page(path)[rows]), 50)
                for limit in (500, 2**53):
                    self.assertEqual(len(self.page(path, limit=limit)[rows]), 200)

    def test_whoever_passes_the_cursor_on_sees_every_row_once(self):
        for path, (rows, key, wanted) in LISTS.items():
            with self.subTest(path=path):
                limit = 7 if path == "events" else 90
                pages = self.walk(path, limit=limit)
                self.assertGreaterEqual(len(pages), 3)
                self.assertTrue(all(len(page[rows]) == limit for page in pages[:-2]))
                seen = [str(row[key]) for page in pages for row in page[rows]]
                self.assertEqual(sorted(seen), sorted(self.stand.sql(wanted).split()))

    def test_both_lists_of_a_ranking_are_walked_though_one_is_longer(self):
        pages = self.walk("wastes", limit=100)
        jobs, families = ([row["job"] for page in pages for row in rows_of(page)]
                          for rows_of in (lambda page: page["jobs"], lambda page: page["fleet"]["jobs"]))
        self.assertEqual(len(jobs), int(self.stand.sql("SELECT count(*) FROM amdahl.job")))
        self.assertEqual(len(set(jobs)), len(jobs))
        self.assertEqual(len(families), FAMILIES)
        self.assertEqual(len(set(families)), FAMILIES)
        waste = [row["waste_gpu_hours"] for page in pages for row in page["fleet"]["jobs"]]
        self.assertEqual(waste, sorted(waste, reverse=True))
        self.assertEqual({page["fleet"]["families"] for page in pages}, {FAMILIES})

    def test_a_cluster_of_a_ranking_fills_its_pages_and_the_sums_are_of_all_jobs(self):
        pages = self.walk("wastes", limit=100, cluster="odd")
        self.assertEqual([(len(page["jobs"]), len(page["fleet"]["jobs"])) for page in pages], [(0, 100), (0, 15)])
        self.assertEqual({row["cluster"] for page in pages for row in page["fleet"]["jobs"]}, {"odd"})
        jobs = int(self.stand.sql("SELECT count(*) FROM amdahl.job"))
        self.assertEqual(self.page("fleet/summary")["jobs"], jobs)
        self.assertEqual(self.page("fleet/summary", cluster="odd")["jobs"], 0)
        last = self.walk("wastes", limit=200)[-1]["jobs"][-1]
        self.assertEqual(self.page(f"wastes/{last['job']}"), {"schema": "amdahl.waste/v1", **last})

    def test_the_command_line_goes_on_by_the_same_word(self):
        for words, rows, key in ((["rank"], "jobs", "job"), (["bank"], "entries", "entry"), (["runs"], "runs", "run")):
            with self.subTest(words=words):
                first = self.stand.ask(*words, "--limit", 200)
                second = self.stand.ask(*words, "--limit", 200, "--cursor", first["next_cursor"])
                seen = [row[key] for page in (first, second) for row in page[rows]]
                self.assertEqual(len(set(seen)), len(seen))
                self.assertGreaterEqual(len(seen), ROWS)
                said = amdahl(*words, config=self.stand.config)
                self.assertIn(f"more: --cursor {self.stand.ask(*words)['next_cursor']}", said.stderr)

    def test_a_cursor_that_is_not_of_this_list_is_refused(self):
        own = {path: self.page(path, limit=1)["next_cursor"] for path in OWN_CURSORS}
        for path in OWN_CURSORS:
            others = {cursor for other, cursor in own.items() if cursor.split("-")[0] != own[path].split("-")[0]}
            self.assertGreaterEqual(len(others), len(OWN_CURSORS) - 2)  # the runs of all and of one are one list
            name = own[path].split("-")[0]
            for cursor in (*others, "", "7", "nonsense", name, f"{name}-", f"{name}--1", f"{name}-1x", f"{own[path]}-1",
                           f"{name}-{10**30}", f"{own[path]}\n"):
                for more in ({}, {"limit": 200}):
                    with self.subTest(path=path, cursor=cursor):
                        answer = self.here.get(f"/api/v1/{path}?" + urllib.parse.urlencode({"cursor": cursor, **more}))
                        self.assertEqual((answer.status, answer.kind()), (400, "bad-request"))
        empty = self.here.get("/api/v1/runs?state=held&cursor=jobs-1")
        self.assertEqual(empty.status, 400)

    def test_a_delivery_is_listed_without_what_it_said_and_shown_with_it(self):
        listed = self.here.get("/api/v1/webhooks/deliveries?limit=200")
        self.assertLess(len(listed.body), 200 * 1000)
        first = listed.json()["deliveries"][0]
        self.assertNotIn("body", first)
        shown = self.page(f"webhooks/deliveries/{first['delivery']}")
        self.assertEqual(shown, {"schema": "amdahl.webhook_delivery/v1", **first, "body": {"said": "x" * 60000}})
        for number in ("999999", "x", "-1"):
            self.assertEqual(self.here.get(f"/api/v1/webhooks/deliveries/{number}").kind(), "not-found")


if __name__ == "__main__":
    unittest.main()
