"""A real Slurm on one machine: munge, MariaDB, slurmdbd, slurmctld, slurmd for each node, slurmrestd.

    with Lab(folder) as lab:
        lab.run("sbatch", ...)

Everything lies below `folder` (short: socket paths end at 107 bytes) and listens on loopback only; nothing of the
system's own Slurm, MariaDB or munge is used or touched. Root only, as Slurm's daemons run as several users.
"""

import contextlib
import os
import pathlib
import pwd
import secrets
import signal
import socket
import subprocess
import time

NODES = 4
GPUS = 8
START_S = 60
STOP_S = 30

SLURM_CONF = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={base}/munge/socket
CredType=cred/munge
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={base}/etc/jwt.key
SlurmctldPort={ctld_port}
SlurmctldPidFile={base}/run/slurmctld.pid
SlurmdPidFile={base}/run/slurmd.%n.pid
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool/%n
SlurmctldLogFile={base}/log/slurmctld.log
SlurmdLogFile={base}/log/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=5,bf_interval=5,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
ReturnToService=2
KillWait=2
MinJobAge={min_job_age}
MessageTimeout={message_timeout}
SlurmdTimeout={slurmd_timeout}
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStoragePass={base}/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment,job_script
{nodes}
PartitionName=gpu Nodes={all_nodes} Default=YES State=UP PriorityTier=10
PartitionName=urgent Nodes={all_nodes} State=UP PriorityTier=100 PreemptMode=OFF
PartitionName=low Nodes={all_nodes} State=UP PriorityTier=1 PreemptMode=CANCEL
{more}
"""

DBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={base}/munge/socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={base}/etc/jwt.key
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser=slurm
LogFile={base}/log/slurmdbd.log
PidFile={base}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct_db
"""


class LabError(Exception):
    """A part of the laboratory did not start, with the end of its log."""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        doors = [stack.enter_context(socket.socket()) for _ in range(count)]
        for door in doors:
            door.bind(("127.0.0.1", 0))
        return [door.getsockname()[1] for door in doors]


class Lab:
    """`hook_url`: where jobcomp/elasticsearch posts; `epilog`: a program for EpilogSlurmctld; `more`: lines for
    slurm.conf. Times in seconds."""

    def __init__(self, folder, nodes=NODES, gpus=GPUS, hook_url=None, epilog=None, more="", cluster="lab",
                 min_job_age=300, message_timeout=10, slurmd_timeout=300):
        self.base = pathlib.Path(folder)
        self.nodes = [f"n{i + 1}" for i in range(nodes)]
        self._gpus, self._cluster = gpus, cluster
        ports = free_ports(4 + nodes)
        self._ctld_port, self._dbd_port, self._sql_port, self.rest_port = ports[:4]
        self._node_ports = dict(zip(self.nodes, ports[4:]))
        self._times = {"min_job_age": min_job_age, "message_timeout": message_timeout, "slurmd_timeout": slurmd_timeout}
        self._more = self._lines(hook_url, epilog, more)
        self.processes = {}
        self.env = {**os.environ, "SLURM_CONF": str(self.base / "etc/slurm.conf")}
        for name in ("SLURM_JWT", "SLURMRESTD_SECURITY"):
            self.env.pop(name, None)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    # -- what tests use

    def run(self, *words, check=True, user=None, stdin=None):
        """One of Slurm's commands with this laboratory's configuration; its output."""
        done = self.ask(*words, user=user, stdin=stdin)
        if check and done.returncode:
            raise LabError(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def ask(self, *words, user=None, stdin=None):
        return subprocess.run(self._as(user, *words), env=self.env, input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=START_S, cwd="/")

    def token(self, user="root", lifespan=3600):
        """A JSON Web Token for slurmrestd."""
        return self.run("scontrol", "token", f"username={user}", f"lifespan={lifespan}").partition("=")[2]

    def kill(self, name, how=signal.SIGKILL):
        """`slurmctld`, `slurmdbd`, `slurmrestd`, `mariadb`, `munged` or a node; awaited."""
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(STOP_S)

    def fail_node(self, node):
        """As if its machine had lost power: slurmd and all that runs there is gone at once."""
        self.kill(node)
        self._end_steps(node)

    def pause(self, name):
        self.processes[name].send_signal(signal.SIGSTOP)

    def resume(self, name):
        self.processes[name].send_signal(signal.SIGCONT)

    def rewire(self, hook_url=None, epilog=None, more=""):
        """Other doors, as the constructor takes them: slurmctld is stopped and started."""
        self._more = self._lines(hook_url, epilog, more)
        self._write_conf()
        self.kill("slurmctld", signal.SIGTERM)
        self.start_ctld()
        self.wait_idle()

    # -- life

    def start(self):
        self._folders()
        self.start_munge()
        self.start_mariadb()
        self._make_database()
        self.start_dbd()
        self._wait(lambda: self._says("sacctmgr", "-n", "show", "cluster") is not None, "slurmdbd")
        self.run("sacctmgr", "-i", "add", "cluster", self._cluster)
        self.run("sacctmgr", "-i", "add", "account", "lab", f"cluster={self._cluster}")
        self.run("sacctmgr", "-i", "add", "user", "root", "account=lab")
        self.start_ctld()
        for node in self.nodes:
            self.start_node(node)
        self.start_rest()
        self.wait_idle()

    def stop(self):
        """Runs of the laboratory end with it. Slurm's own order, so that nothing waits for what is gone."""
        order = ["slurmrestd", *self.nodes, "slurmctld", "slurmdbd", "mariadb", "munged"]
        for name in order:
            process = self.processes.pop(name, None)
            if process is None:
                continue
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)
        for node in self.nodes:
            self._end_steps(node)

    def start_munge(self):
        self._spawn("munged", self._as("munge", "munged", "--foreground", f"--key-file={self.base}/munge/key",
                                       f"--socket={self.base}/munge/socket", f"--pid-file={self.base}/munge/pid",
                                       f"--log-file={self.base}/munge/log", f"--seed-file={self.base}/munge/seed"))
        self._wait(lambda: subprocess.run(f"munge -n -S {self.base}/munge/socket | unmunge -S {self.base}/munge/socket",
                                          shell=True, capture_output=True).returncode == 0, "munged")

    def start_mariadb(self):
        self._spawn("mariadb", self._as("mysql", "mariadbd", "--no-defaults", f"--datadir={self.base}/sql",
                                        f"--port={self._sql_port}", "--bind-address=127.0.0.1",
                                        f"--socket={self.base}/sql/sock", f"--pid-file={self.base}/sql/pid",
                                        "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"),
                    # In a folder that servers share, each deletes at its start what others have there.
                    TMPDIR=self.base / "sqltmp")
        self._wait(lambda: self._sql("SELECT 1").returncode == 0, "mariadb")

    def start_dbd(self):
        self._spawn("slurmdbd", self._as("slurm", "slurmdbd", "-D"))

    def start_ctld(self):
        self._spawn("slurmctld", self._as("slurm", "slurmctld", "-D"))
        self._wait(lambda: "is UP" in (self._says("scontrol", "ping") or ""), "slurmctld")

    def start_node(self, node):
        self._spawn(node, self._as(None, "slurmd", "-D", "-N", node))

    def start_rest(self):
        user = pwd.getpwnam("nobody")
        self._spawn("slurmrestd", ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                                   "slurmrestd", "-a", "rest_auth/jwt", "-s", "openapi/v0.0.38,openapi/dbv0.0.38",
                                   f"127.0.0.1:{self.rest_port}"], SLURM_JWT="daemon")
        self._wait(self._rest_listens, "slurmrestd")

    def wait_idle(self):
        def all_idle():
            states = (self._says("sinfo", "-h", "-N", "-p", "gpu", "-o", "%N %t") or "").split("\n")
            return {f"{node} idle" for node in self.nodes} <= set(states)
        self._wait(all_idle, "slurmctld")

    # -- how

    def _as(self, user, *words):
        words = [str(word) for word in words]
        if user in (None, "root"):
            return words
        uid, gid = self._account(user)
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--init-groups", *words]

    def _account(self, user):
        """Its number and its group's, where the daemons run."""
        who = pwd.getpwnam(user)
        return who.pw_uid, who.pw_gid

    @staticmethod
    def _lines(hook_url, epilog, more):
        lines = [more]
        if hook_url:
            lines += ["JobCompType=jobcomp/elasticsearch", f"JobCompLoc={hook_url}"]
        if epilog:
            lines += [f"EpilogSlurmctld={epilog}"]
        return "\n".join(lines)

    def _write_conf(self):
        (self.base / "etc/slurm.conf").write_text(SLURM_CONF.format(**self._values, more=self._more))

    def _folders(self):
        self.base.mkdir(parents=True, exist_ok=True)
        self.base.chmod(0o755)
        for name, owner, mode in (("etc", "slurm", 0o755), ("run", "slurm", 0o755), ("state", "slurm", 0o755),
                                  ("spool", "root", 0o755), ("log", "slurm", 0o755), ("dev", "root", 0o755),
                                  ("munge", "munge", 0o755), ("sql", "mysql", 0o700),
                                  ("sqltmp", "mysql", 0o700)):
            path = self.base / name
            path.mkdir(exist_ok=True)
            os.chown(path, *self._account(owner))
            path.chmod(mode)
        self._secret("munge/key", "munge", secrets.token_bytes(128))
        self._secret("etc/jwt.key", "slurm", secrets.token_bytes(32))
        # Null devices: a plain file counts too, but then CUDA_VISIBLE_DEVICES stays unset.
        for i in range(self._gpus):
            device = self.base / f"dev/nvidia{i}"
            if not device.exists():
                os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
        self._password = secrets.token_hex(16)
        values = {"base": self.base, "cluster": self._cluster, "host": socket.gethostname(),
                  "ctld_port": self._ctld_port, "dbd_port": self._dbd_port, "sql_port": self._sql_port,
                  "password": self._password, "all_nodes": ",".join(self.nodes), **self._times,
                  "nodes": "\n".join(f"NodeName={node} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 "
                                     f"Port={port} CPUs=16 RealMemory=64000 Gres=gpu:{self._gpus} State=UNKNOWN"
                                     for node, port in self._node_ports.items())}
        self._values = values
        self._write_conf()
        gpus = f"{self.base}/dev/nvidia[0-{self._gpus - 1}]"
        (self.base / "etc/gres.conf").write_text("".join(f"NodeName={node} Name=gpu File={gpus}\n" for node in self.nodes))
        self._secret("etc/slurmdbd.conf", "slurm", DBD_CONF.format(**values).encode())
        for node in self.nodes:
            (self.base / "spool" / node).mkdir(exist_ok=True)

    def _secret(self, name, owner, content):
        path = self.base / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        os.chown(path, *self._account(owner))
        path.chmod(0o600)

    def _make_database(self):
        statements = (f"CREATE DATABASE IF NOT EXISTS slurm_acct_db; CREATE USER IF NOT EXISTS 'slurm'@'%' IDENTIFIED BY "
                      f"'{self._password}'; GRANT ALL ON slurm_acct_db.* TO 'slurm'@'%';")
        done = self._sql(statements)
        if done.returncode:
            raise LabError(f"mariadb: {done.stderr}")

    def _sql(self, statements):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.base}/sql/sock", "-u", "root", "-e", statements],
                              capture_output=True, text=True, timeout=START_S)

    def _spawn(self, name, command, **env):
        if name == "mariadb" and not (self.base / "sql/mysql").exists():
            made = subprocess.run(self._as("mysql", "mariadb-install-db", "--no-defaults", f"--datadir={self.base}/sql",
                                           "--auth-root-authentication-method=normal", "--skip-test-db"),
                                  env={**self.env, "TMPDIR": self.base / "sqltmp"}, capture_output=True, text=True,
                                  timeout=START_S)
            if made.returncode:
                raise LabError(f"mariadb-install-db: {made.stdout}{made.stderr}")
        with open(self.base / f"log/{name}.out", "ab") as out:
            self.processes[name] = subprocess.Popen([str(word) for word in command], env={**self.env, **env}, cwd="/",
                                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                    start_new_session=True)  # a person's Ctrl-C is not theirs

    def _says(self, *words):
        done = self.ask(*words)
        return done.stdout if done.returncode == 0 else None

    def _rest_listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.rest_port), timeout=5):
            return True
        return False

    def _wait(self, holds, name):
        until = time.monotonic() + START_S
        while not holds():
            process = self.processes.get(name)
            ended = process is not None and process.poll() is not None
            if ended or time.monotonic() > until:
                raise LabError(f"{name} {'ended' if ended else 'does not answer'}:\n{self._log_end(name)}")
            time.sleep(0.1)

    def _log_end(self, name):
        words = [(self.base / f"log/{name}{end}") for end in (".log", ".out")] + [self.base / "munge/log"]
        return "\n".join(path.read_text("utf-8", "replace")[-1500:] for path in words if path.exists())

    def _end_steps(self, node):
        """What slurmd leaves behind when it goes: first its step managers, which would tell of their jobs' end."""
        for wanted in (self._is_manager, self._is_job):
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if wanted(entry, node):
                        os.kill(int(entry.name), signal.SIGKILL)

    def _is_manager(self, entry, node):
        # It writes its title over its environment: the log that it has open tells whose it is.
        return (entry / "comm").read_text().startswith("slurmstepd") and any(
            os.readlink(fd).startswith((f"{self.base}/log/slurmd.{node}.log", f"{self.base}/spool/{node}/"))
            for fd in (entry / "fd").iterdir())

    def _is_job(self, entry, node):
        mine = {f"SLURM_CONF={self.base}/etc/slurm.conf".encode(), f"SLURMD_NODENAME={node}".encode()}
        return mine <= set((entry / "environ").read_bytes().split(b"\0"))
