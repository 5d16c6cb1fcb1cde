"""The list of mutants: tests/mutants/faults/*.toml, each a fault in the product's code."""

from dataclasses import dataclass
import hashlib
import json
import pathlib
import tomllib

FOLDER = pathlib.Path(__file__).resolve().parent / "faults"
PRODUCT = ("src/", "include/", "migrations/")


class ListError(Exception):
    """The list, not the code, is wrong: says which entry and what to do."""


@dataclass(frozen=True)
class Edit:
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    name: str
    what: str  # what the faulty code does
    edits: tuple
    tests: tuple  # expected to notice, cheapest first
    simulated: bool  # its code runs in the simulation

    def digest(self):
        """Changes when the fault or what should notice it does: results of before say nothing then."""
        parts = [[edit.file, edit.old, edit.new] for edit in self.edits]
        return hashlib.sha256(json.dumps([parts, self.tests, self.simulated]).encode()).hexdigest()[:16]


def load(folder=FOLDER):
    mutants = []
    for path in sorted(folder.glob("*.toml")):
        try:
            entries = tomllib.loads(path.read_text("utf-8"))["mutant"]
            mutants += [mutant_from(entry) for entry in entries]
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as problem:
            raise ListError(f"{path}: {type(problem).__name__}: {problem}") from problem
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise ListError(f"two mutants are named `{name}`")
    if not mutants:
        raise ListError(f"no mutant in {folder}")
    return mutants


def mutant_from(entry):
    edits = tuple(Edit(**edit) for edit in entry["edit"])
    mutant = Mutant(entry["name"], entry["what"], edits, tuple(entry["tests"]),
                    entry.get("simulated", False))
    for edit in edits:
        if not edit.file.startswith(PRODUCT):
            raise ListError(f"{mutant.name}: {edit.file} is not the product's code")
        if edit.old == edit.new:
            raise ListError(f"{mutant.name}: an edit of {edit.file} changes nothing")
    if not (mutant.tests or mutant.simulated):
        raise ListError(f"{mutant.name}: nothing is named that should notice it")
    return mutant


def apply(mutant, read):
    """What the mutant makes of each file that it edits; `read` answers a file's text."""
    texts = {}
    for edit in mutant.edits:
        try:
            text = texts.get(edit.file) or read(edit.file)
        except OSError as problem:
            raise ListError(f"{mutant.name}: {edit.file}: {problem.strerror}") from problem
        found = text.count(edit.old)
        if found != 1:
            raise ListError(f"{mutant.name}: its text occurs {found} times in {edit.file}, once is "
                            f"needed; bring the list in line with the code:\n{edit.old}")
        texts[edit.file] = text.replace(edit.old, edit.new)
    return texts
