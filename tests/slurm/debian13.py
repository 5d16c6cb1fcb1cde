"""Debian 13 below a folder, for its Slurm: made once by debootstrap and kept, 700 MB in CACHE.

    with Root() as root, Lab13(root, folder) as lab: ...

Only daemons and commands run inside; the service and the tests run outside, and both see the laboratory's folder
under one path. Root only, and in a mount namespace of its own (`unshare -m`): nothing is left mounted.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from lab import Lab, LabError, free_ports

CACHE = pathlib.Path("/var/cache/amdahl-tests/debian13-slurm")
RELEASE = "trixie"
VERSIONS = (40, 41, 42)  # of slurmrestd's interface, that Slurm 24.11 has
PACKAGES = ("mariadb-server", "munge", "python3-minimal", "slurm-client", "slurm-wlm-jwt-plugin",
            "slurm-wlm-mysql-plugin", "slurm-wlm-plugins", "slurmctld", "slurmd", "slurmdbd", "slurmrestd")
COMMANDS = ("sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
BUILD_S = 1500


class Unavailable(Exception):
    """Why there is no Debian 13 here."""


def told(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def mirror():
    """Where this machine's own packages come from."""
    codename = dict(line.split("=", 1) for line in
                    pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)["VERSION_CODENAME"]
    for line in told("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                     "Identifier: Packages").splitlines():
        uri, release, component = line.split()
        if release == codename and component == "main":
            return uri
    raise Unavailable(f"apt has no source of {codename} main")


class Root:
    """The folder, locked while it is used: a new list of packages makes a new one."""

    def __init__(self, path=CACHE):
        self.path, self._lock, self._mounted = path, None, []

    def __enter__(self):
        if os.geteuid() != 0:
            raise Unavailable("a chroot needs root")
        if not shutil.which("debootstrap"):
            raise Unavailable("debootstrap is missing: script/setup")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.path.parent / f"{self.path.name}.lock", "w")  # noqa: SIM115
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        stamp = hashlib.sha256(" ".join((RELEASE, *PACKAGES)).encode()).hexdigest()
        if not self._has(stamp):
            self._build(stamp)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        for kind, source, target in (("proc", "proc", "proc"), ("--rbind", "/dev", "dev")):
            words = [kind] if kind.startswith("-") else ["-t", kind]
            self._mount([*words, source, self.path / target])
        for name in ("hosts", "resolv.conf"):
            shutil.copyfile(f"/etc/{name}", self.path / "etc" / name)
        return self

    def __exit__(self, *_):
        for target in reversed(self._mounted):
            subprocess.run(["umount", "--lazy", target], check=False, timeout=60)
        self._lock.close()

    def share(self, folder):
        """The same folder under the same path inside."""
        inside = self.path / pathlib.Path(folder).relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        self._mount(["--bind", folder, inside])

    def account(self, user):
        for line in (self.path / "etc/passwd").read_text().splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == user:
                return int(uid), int(gid)
        raise LabError(f"{self.path} has no user {user}")

    def commands(self):
        """A folder for PATH with Slurm's commands, which run inside."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="amdahl-commands-", dir="/tmp"))
        folder.chmod(0o755)
        for name in COMMANDS:
            (folder / name).write_text(f'#!/bin/sh\nexec chroot {self.path} /usr/bin/{name} "$@"\n')
            (folder / name).chmod(0o755)
        return folder

    def _has(self, stamp):
        with contextlib.suppress(OSError):
            return (self.path / "stamp").read_text() == stamp
        return False

    def _mount(self, words):
        subprocess.run(["mount", *map(str, words)], check=True, timeout=60)
        self._mounted.append(str(words[-1]))

    def _build(self, stamp):
        shutil.rmtree(self.path, ignore_errors=True)
        made = self.path.with_suffix(".new")
        shutil.rmtree(made, ignore_errors=True)
        log = self.path.with_suffix(".log")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        with open(log, "wb") as out:
            def run(*words):
                done = subprocess.run(["nice", "-n", "19", *map(str, words)], stdin=subprocess.DEVNULL, stdout=out,
                                      stderr=out, env=environment, timeout=BUILD_S)
                if done.returncode:
                    raise Unavailable(f"{words[0]} failed, see {log}:\n{log.read_text(errors='replace')[-600:]}")
            run("debootstrap", "--variant=minbase", RELEASE, made, mirror())
            # What this machine's apt needs to reach its sources; packages must not start services.
            settings = [line for line in told("apt-config", "dump").splitlines()
                        if line.startswith(("Acquire::http", "Acquire::Check"))]
            (made / "etc/apt/apt.conf.d/90host").write_text("\n".join(settings) + "\n")
            (made / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
            (made / "usr/sbin/policy-rc.d").chmod(0o755)
            run("chroot", made, "apt-get", "update")
            run("chroot", made, "apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES)
            run("chroot", made, "apt-get", "clean")
        (made / "stamp").write_text(stamp)
        made.rename(self.path)


class Lab13(Lab):
    """A laboratory on it; slurmrestd runs once for each version of its interface: `rest_urls[40]`."""

    def __init__(self, root, folder, **more):
        self._root = root
        super().__init__(folder, **more)
        self._rest_ports = dict(zip(VERSIONS, free_ports(len(VERSIONS))))
        self.rest_urls = {version: f"http://127.0.0.1:{port}" for version, port in self._rest_ports.items()}

    def start_rest(self):
        for version, port in self._rest_ports.items():
            self.rest_port = port
            self._spawn(f"slurmrestd{version}",
                        self._as("nobody", "slurmrestd", "-a", "rest_auth/jwt", "-s",
                                 "openapi/slurmctld,openapi/slurmdbd", "-d", f"data_parser/v0.0.{version}",
                                 f"127.0.0.1:{port}"), SLURM_JWT="daemon")
            self._wait(self._rest_listens, f"slurmrestd{version}")

    def stop(self):
        for name in [name for name in self.processes if name.startswith("slurmrestd")]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.kill(name)
        super().stop()

    def _as(self, user, *words):
        inside = super()._as(user, *words)
        own = inside if inside[0] == "setpriv" else ["setpriv", *inside]
        # A test that is killed leaves nothing running in a folder that is mounted nowhere any more.
        return ["chroot", str(self._root.path), "setpriv", "--pdeathsig=KILL", *own[1:]]

    def _account(self, user):
        return self._root.account(user)

    def _folders(self):
        super()._folders()
        (self.base / "etc/cgroup.conf").write_text("CgroupPlugin=disabled\n")
        self._root.share(self.base)
