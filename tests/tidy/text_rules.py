"""Rules about any text file of the repository. Each takes a SourceFile; RULES lists them."""

import re

import cpp_text

FILE_LINES = 400
TEST_FILE_LINES = 500  # cases in a row read easily
COUNTED = (".cpp", ".hpp", ".cu", ".py", ".cmake")


def file_length(file):
    most = TEST_FILE_LINES if "tests/" in file.path else FILE_LINES
    if file.path.endswith(COUNTED) and len(file.lines) > most:
        yield file.on(most, "file-length",
                      f"{len(file.lines)} lines; {most} at most, 300 is a strong hint to split")


# Spelled so that this file does not name them.
MACHINE_PATHS = re.compile(r"(?<![\w.~$}{])/(?:(?:work|root|Users)/[\w.]|home/[a-z])")


def machine_paths(file):
    for match in MACHINE_PATHS.finditer(file.text):
        yield file.at(match.start(), "machine-path", f"{match[0]}…: a path of somebody's machine")


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")


def unfinished(file):
    if file.path.startswith("tests/tidy/"):
        return  # it speaks of the words
    for match in UNFINISHED.finditer(file.text):
        yield file.at(match.start(), "unfinished", f"{match[0]} names no issue: {match[0]}(#12)")


EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc|stuff|info)(_|\.|$)")


def names_that_say_nothing(file):
    name = file.path.rsplit("/", 1)[-1]
    if file.is_cpp and EMPTY_NAMES.search(name):
        yield file.on(1, "empty-name", f"{name}: name a file after what it holds")


def whitespace(file):
    if file.path.endswith(".md"):
        return
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip():
            yield file.on(number, "whitespace", "white space at the end of the line")
    if file.text and not file.text.endswith("\n"):
        yield file.on(len(file.lines), "whitespace", "no newline at the end of the file")
    if "\t" in file.text and not file.path.endswith((".tsv", ".sql")):
        yield file.on(cpp_text.line_of(file.text, file.text.index("\t")), "whitespace", "a tab")


def allowances(file):
    """`tidy: allow` says why, or it allows nothing."""
    if file.path.startswith("tests/tidy/"):
        return
    for number, line in enumerate(file.lines, 1):
        match = re.search(r"tidy: allow\b(\([\w-]+\):?\s*\S)?", line)
        if match and not match[1]:
            yield file.on(number, "allowance", "write tidy: allow(rule): why")


RULES = (file_length, machine_paths, unfinished, names_that_say_nothing, whitespace, allowances)
