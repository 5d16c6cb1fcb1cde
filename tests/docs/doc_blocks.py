"""The shell blocks of a Markdown page, and which of them a test can run."""

from dataclasses import dataclass
import re

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```\s*$", re.M | re.S)
SHELL_WORDS = ("bash", "shell", "console", "zsh", "shell-session")
# They build and run everything, this test included.
WHOLE_BUILDS = re.compile(r"script/(demo|test|setup)\b")


@dataclass
class Block:
    path: str
    line: int
    body: str
    why_not: str = ""  # why it is not run; empty when it is

    @property
    def place(self):
        return f"{self.path}:{self.line}"


class BadBlock(Exception):
    pass


def blocks(path, text):
    """Every ```sh block; ```sh no-test: REASON says why one is not run."""
    found = []
    for match in FENCE.finditer(text):
        info = match["info"].strip()
        line = text.count("\n", 0, match.start()) + 1
        language = info.split(" ", 1)[0]
        if language in SHELL_WORDS:
            raise BadBlock(f"{path}:{line}: write ```sh, which is run, and not ```{language}")
        if language != "sh":
            continue
        found.append(Block(path, line, match["body"], why_not(path, line, info, match["body"])))
    return found


def why_not(path, line, info, body):
    if info != "sh":
        reason = re.fullmatch(r"sh no-test:\s*(\S.*)", info)
        if not reason:
            raise BadBlock(f"{path}:{line}: '{info}': write `sh`, or `sh no-test: REASON`")
        return reason[1]
    commands = [text for text in body.splitlines() if text.split("#", 1)[0].strip()]
    if commands and all(WHOLE_BUILDS.match(text) for text in commands):
        return "a whole build, tested by itself"
    return ""
