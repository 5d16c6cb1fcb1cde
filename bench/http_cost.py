#!/usr/bin/env python3
"""What the service's doors cost: webhooks beside pgbench, queries with readers, idle streams, its start.

    python3 bench/http_cost.py AMDAHL

bench_ledger starts it while its ledgers are there. Prints rows for bench/run. wrk and pgbench are on the
same two cores as the service and PostgreSQL, in turn, each for some seconds.
"""

import base64
import http.client
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/integration"))

from wrk_load import webhook_requests, wrk  # noqa: E402

from programs import HERE, Service, configuration, peak_mib, row, skipped

SECONDS = 4
WEBHOOK_SHARE_MIN = 0.6
STATUS_P99_MS_MAX = 20
READERS = 50
STREAMS = 1000
STREAMS_MIB_MAX = 100
READY_MS_MAX = 300
WAKE_MS_MAX = 300
WAKES = 7
SECRET = "whsec_" + base64.b64encode(b"a secret of the bench, 32 bytes ").decode()


def hooks(port, clients, folder):
    done = wrk(port, webhook_requests(SECRET, 60_000), folder, clients, SECONDS, count=False)
    if done["broken"] or done["refused"]:
        sys.exit(f"http_cost.py: wrk: {done}")
    return done["requests"] / done["seconds"]


def pgbench(url, clients, folder):
    program = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))), None)
    script = folder / "insert.sql"
    script.write_text("INSERT INTO bench_row (body) VALUES ('{\"type\":\"slurm.job.ended\"}');\n")
    # A table of a session's own would not be durable; the service's role may make one only in public.
    done = subprocess.run([program, "-n", "-c", str(clients), "-j", "1", "-T", str(SECONDS), "-f", script, url],
                          capture_output=True, text=True, timeout=60)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if not found:
        sys.exit(f"http_cost.py: pgbench: {done.stdout}{done.stderr}")
    return float(found[1])


def psql(url, statement):
    program = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))))
    done = subprocess.run([program, "-XAtq", "-d", url, "-c", statement], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"http_cost.py: psql: {done.stderr}")
    return done.stdout.strip()


def port_of(config):
    return int(re.search(r"listen = \"127.0.0.1:(\d+)\"", config.read_text())[1])


def with_hooks(state):
    """A configuration of the ledger that nothing else writes, open at the table of its hooks."""
    config = configuration(state, "AMDAHL_BENCH_FRESH_URL")
    with open(config, "a") as out:
        out.write("[cluster.local.hooks]\n")
    return config


def beside_pgbench(owner, port, clients, folder):
    """Deliveries and commits a second, three times, first the one and then the other."""
    pairs = []
    for turn in range(3):
        commits = pgbench(owner, clients, folder) if turn % 2 == 0 else None
        delivered = hooks(port, clients, folder)
        pairs.append((delivered, commits or pgbench(owner, clients, folder)))
    return pairs


def webhook_cost(amdahl, config, folder):
    with open(config, "a") as out:
        out.write(f'secret_files = ["{folder / "secret"}"]\n')
    owner = os.environ["AMDAHL_BENCH_FRESH_OWNER_URL"]
    psql(owner, "CREATE TABLE IF NOT EXISTS bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body jsonb)")
    service = Service(amdahl, config)
    service.says("leading")
    rates = {}
    for clients in (1, 4, 16):
        pairs = beside_pgbench(owner, port_of(config), clients, folder)
        rates[clients] = statistics.median(hook for hook, _ in pairs)
        share = statistics.median(hook / commit for hook, commit in pairs)
        row(f"durable signed webhooks a second, {clients} clients / pgbench commits",
            f"{share:.2f} ({rates[clients]:.0f} / {statistics.median(commit for _, commit in pairs):.0f})",
            f"{WEBHOOK_SHARE_MIN}" if clients < 16 else "rising",
            share >= WEBHOOK_SHARE_MIN if clients < 16 else rates[16] > rates[4] > rates[1])
    service.end()


def least_cost(program, folder):
    """What a service that did nothing but this statement would reach, with the right to do it that ours has."""
    owner = os.environ["AMDAHL_BENCH_FRESH_OWNER_URL"]
    body = '{"type":"slurm.job.ended","data":{"job_id":"918273","state":"COMPLETED"}}'
    put = ("SELECT amdahl.put_delivery('generic/local', 'msg_' || gen_random_uuid(), 'local', 'slurm.job.ended', "
           f"'918273', NULL, '{body}')")
    # Nobody leads: else 10,000 that wait would be refused.
    psql(owner, "UPDATE amdahl.delivery_mark SET upto = upto + 1000000000")
    least = subprocess.Popen([program, os.environ["AMDAHL_BENCH_FRESH_URL"], put], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    port = int(least.stdout.readline())
    for clients in (1, 4):
        pairs = beside_pgbench(owner, port, clients, folder)
        row(f"the same from the least service there can be, {clients} clients / pgbench commits",
            f"{statistics.median(hook / commit for hook, commit in pairs):.2f} "
            f"({statistics.median(hook for hook, _ in pairs):.0f})", "-", True)
    least.stdin.close()
    least.wait(timeout=10)
    psql(owner, "UPDATE amdahl.delivery_mark SET upto = (SELECT max(delivery_no) FROM amdahl.delivery)")


def get(connect, path, token=None):
    """One GET over a connection that `connect` makes; the whole answer."""
    with connect() as sock:
        lines = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        sock.sendall((lines + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode())
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    return answer


def unix(path):
    def connect():
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(60)
        sock.connect(str(path))
        return sock
    return connect


def wake_cost(amdahl, config, folder):
    """From a delivery that tells of an end to the submit that follows, on a loop that would sleep a minute."""
    job, gates = folder / "job", folder / "gates"
    job.mkdir()
    gates.mkdir()
    fixture = HERE.parent / "tests/fixtures/threefold"
    wait = f'while [ ! -e "{gates}/$AMDAHL_RUN_KEY" ]; do sleep 0.02; done\n'
    script = (fixture / "job.sh").read_text().replace("events=${AMDAHL", wait + "events=${AMDAHL")
    (job / "job.sh").write_text(script)
    text = (fixture / "job.toml.in").read_text().replace("@COUNT_FILE@", str(folder / "count"))
    (job / "job.toml").write_text(text.replace('"20s"', '"100s"'))
    settings = config.read_text().replace("[loop]\n", '[loop]\nidle_interval = "60s"\n')
    config.write_text(settings.replace('adapter = "local"\n', 'adapter = "local"\ngpus = 1\n') +
                      f'secret_files = ["{folder / "secret"}"]\n[budget]\nconcurrent_runs = 1\n')
    runs = pathlib.Path(re.search(r'state_dir = "(.*)"', config.read_text())[1]) / "runs"
    service = Service(amdahl, config)
    service.says("leading")
    subprocess.run([amdahl, "--config", config, "jobs", "add", job / "job.toml"], check=True, capture_output=True)
    service.says("run_submitted")
    taken = []
    for _ in range(WAKES):
        while not (working := list((runs / "live").glob("*/leg.json"))):
            time.sleep(0.005)
        run = working[0].parent.name
        (gates / run).touch()
        while not any((runs / place / run / "result.json").exists() for place in ("live", "done")):
            time.sleep(0.001)
        begun = time.monotonic()
        line, headers, body = next(iter(webhook_requests(SECRET, 1)))
        door = http.client.HTTPConnection("127.0.0.1", port_of(config), timeout=30)
        door.request("POST", line.split()[1], body, {name: str(value) for name, value in headers.items()})
        assert door.getresponse().status == 202
        taken.append((service.says("run_submitted") - begun) * 1000)
    service.end()
    row(f"webhook of a job's end to the next submit, most of {WAKES}", f"{max(taken):.0f} ms (median {statistics.median(taken):.0f})",
        f"{WAKE_MS_MAX} ms", max(taken) <= WAKE_MS_MAX)


def query_cost(amdahl, config):
    service = Service(amdahl, config)
    service.says("leading")  # it has proved the ledger, which takes seconds here
    state = pathlib.Path(re.search(r'state_dir = "(.*)"', config.read_text())[1])
    connect = unix(state / "amdahl.sock")
    taken, stop = [], time.monotonic() + SECONDS

    def read():
        while time.monotonic() < stop:
            begun = time.monotonic()
            if b" 200 " not in get(connect, "/api/v1/status")[:20]:
                sys.exit("http_cost.py: a status query failed")
            taken.append((time.monotonic() - begun) * 1000)
            time.sleep(0.5)  # people look twice a second; 50 at once would measure the queue alone

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
        time.sleep(0.5 / READERS)
    for reader in readers:
        reader.join()
    p99 = statistics.quantiles(taken, n=100)[98]
    row(f"status query, p99, {READERS} readers, 100,000 finished runs", f"{p99:.1f} ms (median {statistics.median(taken):.1f} of {len(taken)})",
        f"{STATUS_P99_MS_MAX} ms", p99 <= STATUS_P99_MS_MAX)
    before = peak_mib(service.process.pid)
    streams = []
    for _ in range(STREAMS):
        sock = connect()
        sock.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        streams.append(sock)
    for sock in streams:
        assert b"200" in sock.recv(1000)
    time.sleep(1)
    used = peak_mib(service.process.pid)
    row(f"{STREAMS} idle streams, the service in all", f"{used:.0f} MiB (before them {before:.0f})", f"{STREAMS_MIB_MAX} MiB",
        used <= STREAMS_MIB_MAX)
    for sock in streams:
        sock.close()
    service.end()


def start_cost(amdahl, folder):
    taken = []
    for turn in range(5):
        config = configuration(folder / f"start-{turn}", "AMDAHL_BENCH_FRESH_URL")
        state = pathlib.Path(re.search(r'state_dir = "(.*)"', config.read_text())[1])
        service = Service(amdahl, config)
        while True:
            try:
                if b" 200 " in get(unix(state / "amdahl.sock"), "/readyz")[:20]:
                    break
            except OSError:
                time.sleep(0.002)
        taken.append((time.monotonic() - service.begun) * 1000)
        service.end()
    row("service start to ready", f"{statistics.median(taken):.0f} ms", f"{READY_MS_MAX} ms",
        statistics.median(taken) <= READY_MS_MAX)


def main(amdahl):
    if not shutil.which("wrk"):
        return skipped("durable signed webhooks (wrk is missing: script/setup)", WEBHOOK_SHARE_MIN)
    with tempfile.TemporaryDirectory(dir=os.environ["AMDAHL_BENCH_FOLDER"]) as name:
        folder = pathlib.Path(name)
        start_cost(amdahl, folder)
        (folder / "secret").write_text(SECRET)
        (folder / "secret").chmod(0o600)
        webhook_cost(amdahl, with_hooks(folder / "hooks"), folder)
        least_cost(pathlib.Path(amdahl).parent / "bench_least_service", folder)
        wake_cost(amdahl, with_hooks(folder / "wake"), folder)
        query_cost(amdahl, configuration(folder / "query"))
    return None


if __name__ == "__main__":
    main(sys.argv[1])
