#!/usr/bin/env python3
"""What the programs cost: amdahl-run beside a leg, amdahl-hook, amdahl status and the service, its start and takeover.

    python3 bench/programs.py SHIM [AMDAHL]

bench_ledger starts it while its ledgers are there (AMDAHL_BENCH_URL, _SHORT_URL, _FRESH_URL, and
AMDAHL_BENCH_FOLDER). Prints rows for bench/run.
"""

import itertools
import json
import os
import pathlib
import queue
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

LEG_MS_MAX = 20
SHIM_MIB_MAX = 10
STATUS_MS_MAX = 100
HOOK_MS_MAX = 10
SERVICE_MIB_MAX = 64
SERVICE_SECONDS = 8
LEASE_TTL_S = 5
TAKEOVERS = 3
TAKEOVER_BEYOND_TTL_S = 1
STARTS = 5
HERE = pathlib.Path(__file__).resolve().parent


def row(name, measured, bound, ok):
    print(name, measured, bound, "ok" if ok else "over", sep="\t", flush=True)


def skipped(name, bound):
    print(name, "not built", bound, "-", sep="\t", flush=True)


def ms_of(work):
    begun = time.monotonic()
    work()
    return (time.monotonic() - begun) * 1000


def peak_mib(pid):
    """Of the program alone: getrusage would count what its parent had before exec."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0  # a zombie has no memory left


def shim_cost(shim):
    # Exits 1 beyond a bound; the table says so itself.
    done = subprocess.run([sys.executable, HERE / "shim_overhead.py", "--shim", shim, "-o", "json"],
                          capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"programs.py: shim_overhead.py failed: {done.stderr}")
    cost = json.loads(done.stdout)
    row("amdahl-run adds to a leg",
        f"{cost['added_ms']:.1f} ms ({cost['around_leg_ms']:.1f} around, {cost['inside_leg_ms']:.1f} inside)",
        f"{LEG_MS_MAX} ms", cost["added_ms"] <= LEG_MS_MAX)
    row("amdahl-run, peak memory", f"{cost['memory_mib']:.1f} MiB", f"{SHIM_MIB_MAX} MiB",
        cost["memory_mib"] <= SHIM_MIB_MAX)


def hook_cost(amdahl):
    """A process of slurmctld's machine for each job that ends, in turn with one that does nothing."""
    name, bound = "amdahl-hook, an end spooled", f"{HOOK_MS_MAX} ms"
    hook = amdahl and amdahl.parent / "amdahl-hook"
    if not hook or not hook.exists():
        return skipped(name, bound)
    # Without a secret what it leaves behind ends at once.
    command = [hook, "--spool", pathlib.Path(os.environ["AMDAHL_BENCH_FOLDER"]) / "spool"]
    ends = {**os.environ, "SLURM_JOB_ID": "17", "SLURM_JOB_NAME": "al-vpcxt4ri6ij43prwldkql4mtti-1"}

    def started(words):
        return lambda: os.waitpid(os.posix_spawnp(words[0], words, ends, file_actions=[
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)]), 0)

    times = [(ms_of(started(command)), ms_of(started(["true"]))) for _ in range(41)]
    cost, nothing = (statistics.median(column) for column in zip(*times))
    row(name, f"{cost:.1f} ms (true: {nothing:.1f} ms)", bound, cost <= HOOK_MS_MAX)


def has_command(amdahl, command):
    return amdahl is not None and subprocess.run([amdahl, command, "--help"], capture_output=True).returncode == 0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def configuration(folder, ledger="AMDAHL_BENCH_URL"):
    """Of a service with a state directory of its own, on the ledger whose address that variable holds."""
    folder.mkdir()
    url = folder / "url"
    url.write_text(os.environ[ledger] + "\n")
    url.chmod(0o600)
    config = folder / "amdahl.toml"
    config.write_text(f'[service]\nstate_dir = "{folder / "state"}"\nlisten = "127.0.0.1:{free_port()}"\n\n'
                      f'[ledger]\nurl_file = "{url}"\n\n[cluster.local]\nadapter = "local"\n\n'
                      f'[loop]\nlease_ttl = "{LEASE_TTL_S}s"\n')
    config.chmod(0o600)
    return config


class Service:
    """`amdahl serve`, and when it said what."""

    def __init__(self, amdahl, config):
        self.begun = time.monotonic()
        self.process = subprocess.Popen([amdahl, "--config", config, "serve"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self._said = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stderr:
            event = json.loads(line).get("event") if line.startswith("{") else line
            self._said.put((time.monotonic(), event))
        self._said.put((time.monotonic(), None))

    def says(self, event):
        """The moment at which it logs this event."""
        while True:
            at, said = self._said.get(timeout=120)
            if said == event:
                return at
            if said is None:
                sys.exit(f"programs.py: amdahl serve ended before it said {event}")

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=30)


def status_cost(amdahl, config):
    name, bound = "amdahl status, 100,000 finished runs", f"{STATUS_MS_MAX} ms"
    if not has_command(amdahl, "status"):
        return skipped(name, bound)
    command = [amdahl, "--config", config, "status"]
    first = subprocess.run(command, capture_output=True, text=True)
    if first.returncode != 0:
        sys.exit(f"programs.py: amdahl status failed: {first.stderr}")
    times = [ms_of(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(15)]
    row(name, f"{statistics.median(times):.1f} ms", bound, statistics.median(times) <= STATUS_MS_MAX)


def service_cost(amdahl, config):
    name, bound = "amdahl serve, peak memory, 200 outstanding", f"{SERVICE_MIB_MAX} MiB"
    if not has_command(amdahl, "serve"):
        return skipped(name, bound)
    process = subprocess.Popen([amdahl, "--config", config, "serve"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(SERVICE_SECONDS)
    if process.poll() is not None:
        sys.exit(f"programs.py: amdahl serve ended: {process.stderr.read()[-500:]}")
    peak = peak_mib(process.pid)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    row(name, f"{peak:.1f} MiB", bound, peak <= SERVICE_MIB_MAX)


def start_cost(amdahl, folder):
    name = "amdahl serve, start to leading, 10,000 events to prove / none"
    if not has_command(amdahl, "serve"):
        return skipped(name, "-")
    kinds = {"AMDAHL_BENCH_SHORT_URL": [], "AMDAHL_BENCH_FRESH_URL": []}
    configs = {ledger: configuration(folder / ledger.lower(), ledger) for ledger in kinds}
    for ledger in list(kinds) * STARTS:
        service = Service(amdahl, configs[ledger])
        kinds[ledger].append((service.says("leading") - service.begun) * 1000)
        service.end()
    short, fresh = (statistics.median(times) for times in kinds.values())
    print(name, f"{short:.0f} / {fresh:.0f} ms", "-", "-", sep="\t", flush=True)


def takeover_cost(amdahl, folder):
    name, bound = "takeover after kill -9, in lease TTLs", 1 + TAKEOVER_BEYOND_TTL_S / LEASE_TTL_S
    if not has_command(amdahl, "serve"):
        return skipped(name, f"{bound:.2f}")
    numbers = itertools.count()

    def serve():
        return Service(amdahl, configuration(folder / f"takeover-{next(numbers)}", "AMDAHL_BENCH_SHORT_URL"))

    leader, times = serve(), []
    leader.says("leading")
    for _ in range(TAKEOVERS):
        follower = serve()
        follower.says("following")
        killed = time.monotonic()
        leader.end(signal.SIGKILL)
        times.append((follower.says("leading") - killed) / LEASE_TTL_S)
        leader = follower
    leader.end()
    row(name, f"{max(times):.2f} (most of {TAKEOVERS}, TTL {LEASE_TTL_S} s)", f"{bound:.2f}", max(times) <= bound)


def main():
    shim, *amdahl = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    amdahl = amdahl[0] if amdahl else None
    folder = pathlib.Path(os.environ["AMDAHL_BENCH_FOLDER"]) / "programs"
    folder.mkdir()
    shim_cost(shim)
    hook_cost(amdahl)
    config = configuration(folder / "long")
    status_cost(amdahl, config)
    service_cost(amdahl, config)
    start_cost(amdahl, folder)
    takeover_cost(amdahl, folder)


if __name__ == "__main__":
    main()
