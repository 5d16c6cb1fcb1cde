#!/usr/bin/env python3
"""What the programs cost: amdahl-run beside a leg, amdahl status and the service on a long ledger.

    python3 bench/programs.py SHIM [AMDAHL]

bench_ledger starts it while its ledger is there (AMDAHL_BENCH_URL, AMDAHL_BENCH_FOLDER). Prints rows
for bench/run.
"""

import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import time

LEG_MS_MAX = 20
SHIM_MIB_MAX = 10
STATUS_MS_MAX = 100
SERVICE_MIB_MAX = 64
ROUNDS = 40
LEG = ["/bin/sleep", "0.05"]  # long enough that a poll too slow to notice its end would show
SERVICE_SECONDS = 8


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


def run_folder(root, number, command):
    """A run directory as the local adapter writes it, released already."""
    folder = root / f"run-{number}"
    folder.mkdir(parents=True)
    code = root / "snapshot"
    if not code.exists():
        code.mkdir()
        for name in range(10):
            (code / f"part_{name}.py").write_text("print('a line of code')\n" * 200)
    resources = {"nodes": 1, "gpus": 4, "cpus": 1, "memory_bytes": 1 << 20}
    leg = {"command": command, "env": {"PATH": os.environ["PATH"]}, "gpus": 4, "patches": []}
    source = {"kind": "event"}
    spec = {
        "schema": "amdahl.run_spec/v1", "key": f"al-{'a' * 24}{chr(97 + number // 20)}{chr(97 + number % 20)}-1",
        "name": "bench", "code_digest": "c" * 64, "code_dir": str(code), "workdir": str(root),
        "allocation": resources, "leg_time_limit_ms": 60000,
        "legs": [{"arm": "baseline", **leg}, {"arm": "variant", **leg}],
        "units": source, "quality": source, "has_quality": False, "quality_metric": "",
        "fresh_layout": False, "env_padding_bytes": 0,
        "witness": {"term": "", "fence": 0, "head_seq": 0, "head_hash": ""}}
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "local.json").write_text(json.dumps({
        "slots_dir": str(root / "slots"), "gpus": 4, "cpus": 4, "memory_bytes": 1 << 30,
        "submitted_at_us": 1}))
    (folder / "release").touch()
    return folder


def finished(folder, legs=2):
    result = json.loads((folder / "result.json").read_text())
    ended = [leg for leg in result["legs"] if leg["exit_code"] == 0]
    if result["problem"] or len(ended) != legs:
        sys.exit(f"programs.py: the shim did not run the legs: {result}")
    return result


def shim_cost(shim, root):
    (root / "slots").mkdir(parents=True)
    plain, whole = [], []
    for number in range(ROUNDS):
        folder = run_folder(root, number, LEG)
        # Leg and run in turn, so that a slower machine slows both.
        plain.append(ms_of(lambda: subprocess.run(LEG, check=True)))
        whole.append(ms_of(lambda f=folder: subprocess.run([shim, "run", f], check=True)))
        finished(folder)
    added = (statistics.median(whole) - 2 * statistics.median(plain)) / 2
    row("amdahl-run adds to a leg", f"{added:.1f} ms ({statistics.median(plain):.1f} ms bare)",
        f"{LEG_MS_MAX} ms", added <= LEG_MS_MAX)
    peak = 0.0
    folder = run_folder(root, ROUNDS, ["/bin/sh", "-c", "head -c 4000000 /dev/zero; sleep 0.2"])
    process = subprocess.Popen([shim, "run", folder])
    while process.poll() is None:
        peak = max(peak, peak_mib(process.pid))
        time.sleep(0.005)
    finished(folder)
    row("amdahl-run, peak memory", f"{peak:.1f} MiB", f"{SHIM_MIB_MAX} MiB", peak <= SHIM_MIB_MAX)


def has_command(amdahl, command):
    return amdahl is not None and subprocess.run([amdahl, command, "--help"], capture_output=True).returncode == 0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def configuration(folder):
    url = folder / "url"
    url.write_text(os.environ["AMDAHL_BENCH_URL"] + "\n")
    url.chmod(0o600)
    config = folder / "amdahl.toml"
    config.write_text(f'[service]\nstate_dir = "{folder / "state"}"\nlisten = "127.0.0.1:{free_port()}"\n\n'
                      f'[ledger]\nurl_file = "{url}"\n\n[cluster.local]\nadapter = "local"\n')
    config.chmod(0o600)
    return config


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


def main():
    shim, *amdahl = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    amdahl = amdahl[0] if amdahl else None
    folder = pathlib.Path(os.environ["AMDAHL_BENCH_FOLDER"]) / "programs"
    folder.mkdir()
    shim_cost(shim, folder / "shim")
    config = configuration(folder)
    status_cost(amdahl, config)
    service_cost(amdahl, config)


if __name__ == "__main__":
    main()
