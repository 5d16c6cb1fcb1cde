"""How many tests passed, failed and were skipped, read from what test programs leave behind."""

from dataclasses import dataclass, field
import re
import xml.etree.ElementTree as xml

# What XML 1.0 does not allow: a test may print anything.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)  # (name, output)

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed,
                      self.skipped + other.skipped, self.failures + other.failures)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @classmethod
    def failure(cls, name, output=""):
        return cls(failed=1, failures=[(name, output)])


def from_junit(path):
    """Counts of a file that `ctest --output-junit` wrote."""
    text = path.read_bytes().decode("utf-8", "replace")
    counts = Counts()
    for case in xml.fromstring(NOT_XML.sub("?", text).encode()).iter("testcase"):
        if case.get("status") == "run":
            counts.passed += 1
        elif deliberately_skipped(case):
            counts.skipped += 1
        else:
            # A program that was not built is "notrun" too, and no deliberate skip.
            counts += Counts.failure(case.get("name"), case.findtext("system-out") or "")
    return counts


def deliberately_skipped(case):
    if case.get("status") == "disabled":
        return True
    skipped = case.find("skipped")
    return skipped is not None and (skipped.get("message") or "").startswith("SKIP_")
