"""Debian's Prometheus scrapes, and the queries of examples/grafana are asked of it."""

import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

from grafana_files import FOLDER, alert_queries, dashboard_queries, exposition
from hook_setup import SECRET, with_hooks
from http_client import Door, signed
from stand import Stand, amdahl, free_port, wait_until

SCRAPES = 4  # rates need two; the rest is for the intervals of queries


class Prometheus:
    """Scrapes 127.0.0.1:`port` each second, with our alert rules."""

    def __init__(self, port):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-prometheus-"))
        shutil.copy(FOLDER / "alerts.yml", self._folder)
        config = (FOLDER / "prometheus.yml").read_text().replace("127.0.0.1:7717", f"127.0.0.1:{port}")
        config = config.replace("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s")
        config = config.replace("scrape_timeout: 10s", "scrape_timeout: 1s")
        (self._folder / "prometheus.yml").write_text(config)
        listen = f"127.0.0.1:{free_port()}"
        self._url = f"http://{listen}/api/v1/"
        self._log = open(self._folder / "log", "wb")
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={self._folder}/prometheus.yml",
             f"--storage.tsdb.path={self._folder}/data", f"--web.listen-address={listen}"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def ask(self, what, **args):
        with urllib.request.urlopen(self._url + what + "?" + urllib.parse.urlencode(args), timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, text):
        """The result of `text` now; Grafana's variables replaced."""
        text = text.replace("$__rate_interval", "1m")
        return self.ask("query", query=text)["result"]

    def wait_for_scrapes(self, count=SCRAPES):
        def scraped():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                result = self.query('count_over_time(up{job="amdahl"}[5m])')
            except OSError:
                return False
            return result and float(result[0]["value"][1]) >= count
        wait_until(scraped, f"{count} scrapes", 60)

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._log.close()
        shutil.rmtree(self._folder)


class Exposition:
    """Serves what our program prints, as a service would in which everything goes on happening."""

    def __init__(self, edit=lambda line: line):
        lines, served = [edit(line) for line in exposition().splitlines()], self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                served.scrapes += 1
                body = "".join(f"{grown(line, served.scrapes)}\n" for line in lines).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.scrapes = 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._thread.join(20)
        self._server.server_close()


def grown(line, times):
    """A counter's line at the scrape of that number; `still` at its end keeps it as it is."""
    if line.endswith(" still"):
        return line[:-len(" still")]
    match = re.match(r"(\w+(?:_total|_bucket|_sum|_count)(?:\{.*\})?) (\S+)$", line)
    return f"{match[1]} {float(match[2]) * times}" if match else line


def well(line):
    """Nothing to warn of."""
    if line.startswith("amdahl_loop_last_success"):
        return f"amdahl_loop_last_success_timestamp_seconds {time.time()}"
    still = line.startswith(("amdahl_clawed_back", "amdahl_reconcile_missed"))
    return f"{line} still" if still else line


def ill(line):
    """Everything that is warned of."""
    if line.startswith("amdahl_ledger_up"):
        return "amdahl_ledger_up 0"
    if line.startswith("amdahl_queue_oldest_age_seconds"):
        return re.sub(r" \S+$", " 100000", line)
    return line


class WithPrometheus(unittest.TestCase):
    def watch(self, port):
        prometheus = Prometheus(port)
        self.addCleanup(prometheus.stop)
        prometheus.wait_for_scrapes()
        return prometheus

    def check_panels(self, prometheus):
        """Every panel's query returns data."""
        for title, query in dashboard_queries():
            with self.subTest(title):
                self.assertTrue(prometheus.query(query), query)


class OfAnExposition(WithPrometheus):
    def served(self, edit):
        served = Exposition(edit)
        self.addCleanup(served.stop)
        return self.watch(served.port)

    def test_every_panel_has_data(self):
        self.check_panels(self.served(well))

    def test_no_alert_fires_where_all_is_well(self):
        prometheus = self.served(well)
        for name, query in alert_queries().items():
            with self.subTest(name):
                self.assertEqual(prometheus.query(query), [])

    def test_each_alert_fires_where_it_should(self):
        prometheus = self.served(ill)
        for name, query in alert_queries().items():
            with self.subTest(name):
                self.assertTrue(prometheus.query(query), query)
        rules = wait_until(lambda: [rule for group in prometheus.ask("rules")["groups"]
                                    for rule in group["rules"] if rule["health"] == "ok"],
                           "the rules are evaluated", 60)
        self.assertEqual({rule["name"] for rule in rules}, set(alert_queries()))
        wait_until(lambda: {alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]}
                   == set(alert_queries()), "each is pending or fires", 60)


class OfAService(WithPrometheus):
    """A real service that takes webhooks, finds a win and banks on it."""

    def test_every_panel_has_data(self):
        stand = Stand()
        self.addCleanup(stand.remove)
        stand.start_ledger()
        port = free_port()
        (stand.state / "conf.d/listen.toml").write_text(f'[service]\nlisten = "127.0.0.1:{port}"\n')
        with_hooks(stand, idle="1s")
        stand.serve().wait_for("leading")
        # From before the first verdict: the checks of those that follow are timed.
        prometheus = self.watch(port)
        added = amdahl("jobs", "add", stand.threefold(), config=stand.config)
        self.assertEqual(added.returncode, 0, added.stderr)
        wait_until(lambda: stand.ask("experiments", "--outcome", "win")["experiments"], "a win")
        ran = amdahl("run", "threefold", config=stand.config)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        wait_until(lambda: stand.ask("bank")["banked_gpu_hours"], "hours are banked")
        door, data = Door(port=port), b'{"type":"slurm.job.ended"}'

        def rates_are_known():
            door.ask("POST", "/hooks/generic", data, signed(SECRET, data))
            door.get("/api/v1/nothing")
            return all(prometheus.query(query) for _, query in dashboard_queries())

        prometheus.wait_for_scrapes(2 * SCRAPES)
        wait_until(rates_are_known, "what happens is seen to grow", 30)
        wait_until(lambda: prometheus.query('amdahl_check_duration_seconds_count > 0'), "checks are timed")
        wait_until(lambda: prometheus.query('sum(amdahl_banked_gpu_seconds_total) > 0'), "the bank is shown")
        self.check_panels(prometheus)
        for name, query in alert_queries().items():
            with self.subTest(name):
                self.assertEqual(prometheus.query(query), [])


if __name__ == "__main__":
    unittest.main()
