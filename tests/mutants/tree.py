"""The copy of the checkout that mutants are made in: the checkout itself is never touched."""

import fcntl
import os
import pathlib
import subprocess

KEPT = ("build", ".git")


class Busy(Exception):
    pass


class Tree:
    """`folder` holds the bytes of `source`'s files. What did not change keeps its time, so that only
    what changed is built again; what did change gets the time of now, also when a fault is taken
    back: objects of the fault are newer than the checkout's file."""

    def __init__(self, source, folder):
        self.source = pathlib.Path(source)
        self.folder = pathlib.Path(folder)
        self.mutated = {}  # path → bytes before
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.folder.parent / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Busy("another script/mutants is at work in this checkout") from problem

    def refresh(self):
        """Also undoes whatever a killed run left."""
        wanted = self.files()
        for path in wanted:
            self.copy(path)
        for folder, folders, names in os.walk(self.folder):
            if pathlib.Path(folder) == self.folder:
                folders[:] = set(folders) - set(KEPT)
            for path in (pathlib.Path(folder) / name for name in names):
                if str(path.relative_to(self.folder)) not in wanted:
                    path.unlink()
        # Tests ask git which files are tracked.
        for command in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *command], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def files(self):
        out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=self.source, check=True, capture_output=True, text=True).stdout
        return {path for path in out.split("\0") if path and (self.source / path).exists()}

    def copy(self, path):
        source, target = self.source / path, self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            if not target.is_symlink() or target.readlink() != source.readlink():
                target.unlink(missing_ok=True)
                target.symlink_to(source.readlink())
            return
        content = source.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.write_bytes(content)
        target.chmod(source.stat().st_mode & 0o777)

    def read(self, path):
        return (self.folder / path).read_text("utf-8")

    def mutate(self, texts):
        for path, text in texts.items():
            self.mutated.setdefault(path, (self.folder / path).read_bytes())
            (self.folder / path).write_text(text, "utf-8")

    def restore(self):
        while self.mutated:
            path, content = self.mutated.popitem()
            (self.folder / path).write_bytes(content)
