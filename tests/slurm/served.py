"""A service on a laboratory: its cluster `lab`, asked over REST, and the doors at which Slurm tells it of ends.

slurm.conf names the doors, so they are made before the laboratory starts:

    doors = Doors(folder, port)
    with Lab(folder, hook_url=doors.hook_url, epilog=doors.script) as lab:
        doors.configure(state, lab)
"""

import base64
import os
import pathlib
import pwd
import secrets
import shutil
import subprocess

SETTINGS = """\
[service]
listen = "127.0.0.1:{port}"
[cluster.lab]
adapter = "slurm"
via = "{via}"
url = "http://127.0.0.1:{rest_port}"
token_file = "{state}/slurm.jwt"
poll_interval = "{poll}"
quiet_period = "30s"
[cluster.lab.hooks]
secret_files = ["{state}/hook-secret"]
url_token_file = "{state}/hook-token"
[loop]
idle_interval = "{poll}"
[budget]
concurrent_runs = 8
"""


def write(path, text, owner="root"):
    path.touch(mode=0o600)
    path.write_text(text)
    user = pwd.getpwnam(owner)
    os.chown(path, user.pw_uid, user.pw_gid)


class Doors:
    """`program`: amdahl; slurmctld starts a copy of the hook beside it, as a checkout may lie where SlurmUser cannot
    look."""

    def __init__(self, folder, port, program):
        self.folder, self.port = pathlib.Path(folder), port
        self._token = secrets.token_hex(24)
        self._secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.hook_url = f"http://127.0.0.1:{port}/hooks/slurm-es/{self._token}/_doc"
        self.spool = self.folder / "hook/spool"
        self.script = self.folder / "hook/amdahl-hook.sh"
        self._make_script(pathlib.Path(program))

    def _make_script(self, program):
        home = self.script.parent
        home.mkdir(parents=True)
        home.chmod(0o755)
        self.spool.mkdir()
        shutil.chown(self.spool, "slurm")
        write(home / "secret", self._secret, "slurm")
        hook = program.with_name("amdahl-hook")
        shutil.copy2(hook, home)
        self._hook = [program, "hook", "slurm", "--server", f"http://127.0.0.1:{self.port}", "--cluster", "lab",
                      "--secret-file", home / "secret", "--spool", self.spool]
        printed = subprocess.run([*self._hook, "--print-config"], stdout=subprocess.PIPE, check=True, text=True,
                                 timeout=60).stdout
        # The first block is the script, below the line that says where it goes.
        script = printed.split("\n\n")[0].partition("\n")[2] + "\n"
        self.script.write_text(script.replace(str(hook), str(home / "amdahl-hook")))
        self.script.chmod(0o755)

    def flush(self):
        """What waits in the hook's spool is sent; whether all of it was."""
        return subprocess.run([*self._hook, "--flush"], stdout=subprocess.DEVNULL, timeout=60).returncode == 0

    def configure(self, state, lab, via="rest", poll="20s", lifespan=86400):
        """Of the service whose state directory, made by `amdahl dev`, is `state`."""
        write(state / "slurm.jwt", lab.token(lifespan=lifespan))
        write(state / "hook-secret", self._secret)
        write(state / "hook-token", self._token)
        (state / "conf.d").mkdir(exist_ok=True)
        (state / "conf.d/slurm.toml").write_text(SETTINGS.format(
            port=self.port, via=via, rest_port=lab.rest_port, state=state, poll=poll))
