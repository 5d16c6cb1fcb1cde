"""A source file as the rules see it, and what they say about it."""

from dataclasses import dataclass
import functools
import re

import cpp_text

ALLOW = re.compile(r"tidy: allow\((?P<rule>[\w-]+)\):?\s*(?P<why>.*)")


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


class SourceFile:
    """`path` is relative to the repository and decides which rules apply."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.splitlines()

    @functools.cached_property
    def code(self):
        return cpp_text.code_only(self.text)

    @functools.cached_property
    def uncommented(self):
        return cpp_text.without_comments(self.text)

    @functools.cached_property
    def includes(self):
        """(line, header) of each #include."""
        return [(cpp_text.line_of(self.text, m.start()), m[1])
                for m in re.finditer(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', self.uncommented, re.M)]

    @property
    def is_cpp(self):
        return self.path.endswith((".cpp", ".hpp", ".cu"))

    @property
    def is_header(self):
        return self.path.endswith(".hpp")

    @property
    def is_test(self):
        return self.path.startswith("tests/")

    @property
    def layer(self):
        """The layer it belongs to: src/<layer>/… and include/amdahl/<layer>/…; else empty."""
        match = re.match(r"(?:src|include/amdahl)/(\w+)/", self.path)
        return match[1] if match else ""

    def at(self, offset, rule, message):
        return self.on(cpp_text.line_of(self.text, offset), rule, message)

    def on(self, line, rule, message):
        return Finding(self.path, line, rule, message)

    def allowed(self, finding):
        """Whether this line or the one above says `tidy: allow(rule): why`."""
        for number in (finding.line, finding.line - 1):
            if 1 <= number <= len(self.lines):
                match = ALLOW.search(self.lines[number - 1])
                if match and match["rule"] == finding.rule and match["why"].strip():
                    return True
        return False
