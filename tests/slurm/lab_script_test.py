"""script/lab slurm, as a person uses it: what it prints is typed, and Ctrl-C stops it all."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "integration")]

from stand import PROGRAM, SOURCE, wait_until  # noqa: E402

STOP_S = 120


def typed(printed, *more):
    """The lines that it asks for, but those that watch or measure, then `more`: what they print."""
    lines = [line for line in printed.split("\n") if line.startswith("  ") and "watch" not in line]
    lines = lines[:next(i for i, line in enumerate(lines) if "report.py" in line)]
    # Aliases are of the next line on, in bash only where they are asked for.
    script = "\n".join(["shopt -s expand_aliases; set -eu", *lines, *more])
    return subprocess.run(["bash"], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


class LabScript(unittest.TestCase):
    def start(self):
        process = subprocess.Popen([sys.executable, "-B", SOURCE / "script/lab", "slurm", "--program", PROGRAM],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and (process.send_signal(signal.SIGINT), process.wait(STOP_S)))
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                return process, printed
        self.fail(f"it ended with {process.wait(STOP_S)}:\n{printed}")

    def processes_of(self, folder):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if folder.encode() in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    found.append((entry / "comm").read_text())
            except OSError:
                continue
        return found

    def test_what_it_prints_works_and_an_interrupt_leaves_nothing(self):
        process, printed = self.start()
        folder = printed.partition("SLURM_CONF=")[2].partition("/etc/")[0]
        done = typed(printed, "sinfo -h -o '%F %G'")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("0/4/0/4 gpu:8", done.stdout)
        wait_until(lambda: " ended" in typed(printed, "amdahl runs").stdout
                   or "succeeded" in typed(printed, "amdahl runs").stdout, "runs of the job end")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(STOP_S), 0)
        self.assertIn("stopped", process.stdout.read())
        self.assertEqual(self.processes_of(folder), [])
        self.assertFalse(pathlib.Path(folder).exists())


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("Slurm's daemons run as several users, so they need root")
        sys.exit(77)
    unittest.main()
