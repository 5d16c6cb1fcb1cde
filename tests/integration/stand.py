"""A private ledger, a folder and the program, for tests that use it as people do."""

import collections
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(os.environ["AMDAHL_SOURCE_DIR"])
PROGRAM = pathlib.Path(os.environ["AMDAHL_BINARY_DIR"]) / "amdahl"
WAIT_S = 120


def amdahl(*words, config=None, stdin=None, environment=None):
    command = [str(PROGRAM), *(["--config", str(config)] if config else []), *map(str, words)]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=WAIT_S, env={**os.environ, **(environment or {})})


def wait_until(holds, what, seconds=WAIT_S):
    """Looks again and again; the answer that was true."""
    until = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def test_folder():
    """Where folders of tests lie, as CMake chose; whoever runs may enter, and programs there may run."""
    chosen = os.environ.get("AMDAHL_TEST_FOLDER", "/tmp")
    return "/tmp" if os.statvfs(chosen).f_flag & os.ST_NOEXEC else chosen


class Stand:
    """`config` names a ledger of its own as soon as `amdahl dev` has made it."""

    def __init__(self):
        # Not below TMPDIR: the service user must reach the ledger's folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-cli-", dir=test_folder()))
        self.folder.chmod(0o755)
        self.state = self.folder / "state"
        self.config = self.state / "amdahl.toml"
        self.count = self.folder / "count"
        self._services = []
        self._postmaster = None

    def threefold(self):
        """The job file of the fixture whose `fast` is three times as fast as its `slow`."""
        job = self.folder / "job"
        job.mkdir()
        fixture = SOURCE / "tests/fixtures/threefold"
        shutil.copy(fixture / "job.sh", job)
        text = (fixture / "job.toml.in").read_text()
        (job / "job.toml").write_text(text.replace("@COUNT_FILE@", str(self.count)))
        return job / "job.toml"

    def executions(self):
        """`<run key> <pace>` of each execution that the job itself counted."""
        lines = self.count.read_text().splitlines() if self.count.exists() else []
        return [line.rsplit(" ", 1)[0] for line in lines]

    def repeated(self):
        """Of the fixture's runs those with a leg that ran twice, and what ran of them: none, one hopes."""
        paces = collections.defaultdict(list)
        for line in self.executions():
            key, pace = line.split()
            paces[key].append(pace)
        # An A/A pair runs the same twice, once for each arm.
        once = (["slow"], ["slow", "slow"], ["fast"], ["fast", "slow"])
        return {key: ran for key, ran in paces.items() if sorted(ran) not in once}

    def start_ledger(self, gpus=2):
        """Only the ledger: nothing leads."""
        done = amdahl("dev", "--state-dir", self.state, "--gpus", gpus, "--cpus", 2, "--until-idle",
                      "--keep-ledger", "-q")
        assert done.returncode == 0, done.stderr

    def set_lease(self, ttl):
        """For the services that start from now on."""
        (self.state / "conf.d/lease.toml").write_text(f'[loop]\nlease_ttl = "{ttl}"\n')

    def ask(self, *words):
        done = amdahl(*words, "-o", "json", config=self.config)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def serve(self, config=None, environment=None):
        service = Service(config or self.config, self.folder / f"serve-{len(self._services)}.log", environment)
        self._services.append(service)
        return service

    def postmaster(self):
        return int((self.state / "ledger/postmaster.pid").read_text().split()[0])

    def crash_ledger(self):
        """As if its machine had lost power: `immediate`, and nothing listens."""
        pid = self.postmaster()
        os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the postmaster ends")

    def restart_ledger(self):
        data = self.state / "ledger"
        command = self.as_owner(*shlex.split((data / "postmaster.opts").read_text()))
        # Kept, so that its end is awaited by whoever stops it.
        self._postmaster = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: amdahl("status", "-q", config=self.config).returncode == 0,
                   "the ledger answers again")

    def as_owner(self, *command):
        """`command` as the user whose ledger it is."""
        data = self.state / "ledger"
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={data.owner()}", f"--regid={data.group()}",
                       "--init-groups", *command]
        return [str(word) for word in command]

    def pg_program(self, name):
        server = shlex.split((self.state / "ledger/postmaster.opts").read_text())[0]
        return pathlib.Path(server).parent / name

    def pg_restart(self, mode):
        data = self.state / "ledger"
        subprocess.run(self.as_owner(self.pg_program("pg_ctl"), "-D", data, "-m", mode, "-w", "-s",
                                     "-l", data / "restart.log", "restart"),
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
                       timeout=WAIT_S)

    def sql(self, statement):
        """One answer, as the ledger's superuser."""
        lines = (self.state / "ledger/postmaster.pid").read_text().split("\n")
        done = subprocess.run(self.as_owner(self.pg_program("psql"), "-XAtq", "-h", lines[4], "-p", lines[3],
                                            "-U", "amdahl_owner", "-d", "amdahl", "-c", statement),
                              check=True, stdout=subprocess.PIPE, text=True, cwd="/", timeout=WAIT_S)
        return done.stdout.strip()

    def server_processes(self):
        """The postmaster first, then what it started."""
        head = self.postmaster()
        children = pathlib.Path(f"/proc/{head}/task/{head}/children").read_text().split()
        return [head, *map(int, children)]

    def remove(self):
        for service in self._services:
            service.stop()
        if self.config.exists():
            amdahl("dev", "--state-dir", self.state, "--stop")
        if self._postmaster:
            self._postmaster.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Service:
    """One `amdahl serve`, with the events that it logged."""

    def __init__(self, config, log, environment=None):
        self._log = log
        with open(log, "wb") as out:
            self._process = subprocess.Popen([PROGRAM, "--config", config, "serve"],
                                             stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                             env={**os.environ, **(environment or {})})

    def events(self, name):
        lines = self._log.read_text().split("\n")[:-1]
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def wait_for(self, name):
        return wait_until(lambda: self.events(name), f"{name} in the log")

    def pid(self):
        return self._process.pid

    def lives(self):
        return self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        return self._process.wait(10)

    def stop(self):
        if self.lives():
            self._process.send_signal(signal.SIGCONT)  # a stopped one would not hear the other
            self._process.terminate()
        return self._process.wait(10)
