#!/usr/bin/env python3
"""What amdahl-run adds to a leg, and how much memory it takes.

    python3 bench/shim_overhead.py [--shim build/release/amdahl-run] [--rounds 20] [-o json]

Each round runs one program plainly (spawn, wait) and as both legs of a run, in turn, so that a
machine that slows down slows both. Two figures: what stands around a leg (copy of the code, start,
measuring, result) and how much longer the leg itself takes under the shim.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent
key = "al-" + "a" * 26 + "-1"
bounds = {"added_ms": 20.0, "memory_mib": 10.0}
# Fixed work, not fixed time: what the shim takes from the leg must show.
program = ["python3", "-c", "x = 0\nfor i in range(2_000_000): x += i * i\nprint('units', 5)"]


def plain_ms(environment):
    began = time.monotonic_ns()
    pid = os.posix_spawnp(program[0], program, environment,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    os.waitpid(pid, 0)
    return (time.monotonic_ns() - began) / 1e6


def make_run(folder, code):
    leg = {"command": program, "env": {}, "gpus": 0, "patches": []}
    spec = {
        "key": key, "code_dir": str(code), "workdir": str(folder),
        "allocation": {"nodes": 1, "gpus": 0, "cpus": 1, "memory_bytes": 1 << 20},
        "leg_time_limit_ms": 60_000,
        "legs": [{"arm": "baseline", **leg}, {"arm": "variant", **leg}],
        "units": {"kind": "regex", "regex": "units (\\d+)"},
    }
    (folder / "spec.json").write_text(json.dumps(spec))


def shim_run(shim, folder, environment):
    subprocess.run([shim, "run", folder], env=environment, check=True)
    result = json.loads((folder / "result.json").read_text())
    assert [leg["units"] for leg in result["legs"]] == [5, 5], result
    return result


def shim_memory_mib(shim, folder, environment):
    """The kernel's high-water mark, read in a run of its own: looking costs time."""
    process = subprocess.Popen([shim, "run", folder], env=environment)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.splitlines()
                                 if line.startswith("VmHWM:")])
        except OSError:
            pass
        time.sleep(0.005)
    return peak / 1024


def measure(shim, rounds, files):
    environment = {"PATH": os.environ["PATH"], "HOME": "/"}
    plain, inside, around = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        code = folder / "code"
        code.mkdir()
        for i in range(files):
            (code / f"file_{i}.py").write_text("x = 1\n" * 300)

        def fresh_run(label):
            run = folder / f"run-{label}"
            run.mkdir()
            make_run(run, code)
            return run

        memory = shim_memory_mib(shim, fresh_run("memory"), environment)
        for i in range(rounds):
            run = fresh_run(i)
            plain.append(plain_ms(environment))
            result = shim_run(shim, run, environment)
            windows = [leg["window_us"] / 1000 for leg in result["legs"]]
            plain.append(plain_ms(environment))
            inside.append(sum(windows) / 2 - sum(plain[-2:]) / 2)
            # From the allocation to the result, both legs' own time taken off.
            around.append(((result["end_us"] - result["start_us"]) / 1000 - sum(windows)) / 2)
            shutil.rmtree(run)
    added_inside = statistics.median(inside)
    return {
        "schema": "amdahl.bench_shim/v1", "rounds": rounds, "code_files": files,
        "plain_ms": round(statistics.median(plain), 3),
        "inside_leg_ms": round(added_inside, 3),
        "around_leg_ms": round(statistics.median(around), 3),
        "around_leg_max_ms": round(max(around), 3),
        "added_ms": round(statistics.median(around) + max(0.0, added_inside), 3),
        "memory_mib": round(memory, 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shim", default=str(root / "build/release/amdahl-run"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--files", type=int, default=30, help="in the code snapshot")
    parser.add_argument("-o", dest="output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    if not os.access(options.shim, os.X_OK):
        sys.exit(f"{options.shim} is not there: cmake --workflow, or name it by --shim")
    result = measure(options.shim, options.rounds, options.files)
    if options.output == "json":
        print(json.dumps(result))
    else:
        print("{plain_ms} ms plainly; as a leg {inside_leg_ms} ms more inside, {around_leg_ms} ms "
              "around (at most {around_leg_max_ms}): {added_ms} ms added; {memory_mib} MiB"
              .format(**result))
    late = [name for name, bound in bounds.items() if result[name] > bound]
    sys.exit("beyond the bound: " + ", ".join(late) if late else 0)


if __name__ == "__main__":
    main()
