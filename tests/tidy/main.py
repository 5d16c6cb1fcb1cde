"""main.py [ROOT]: the style guide as a test. Prints what breaks it; exit status 1 if anything does.

A line, or the line above it, may say `tidy: allow(rule): why`.
"""

import pathlib
import sys

import cpp_rules
import text_rules
import tree_rules
from findings import SourceFile

TEXT = (".cpp", ".hpp", ".cu", ".py", ".cmake", ".md", ".txt", ".json", ".toml", ".sql", ".yml",
        ".yaml", ".dict", "")
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "node_modules", "corpus", "golden",
                   "data", "fixtures"}
GENERATED = {"web/dist"}


def read(root):
    files = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if (SKIPPED_FOLDERS & set(relative.parts[:-1]) or not path.is_file() or path.is_symlink()
                or path.suffix not in TEXT or relative.name in (".git",)
                or any(str(relative).startswith(folder) for folder in GENERATED)):
            continue
        try:
            files.append(SourceFile(str(relative), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return files


def check(files):
    """Findings that no line allows, in order of place."""
    findings = set()
    for file in files:
        rules = text_rules.RULES + (cpp_rules.RULES if file.is_cpp else ())
        for rule in rules:
            findings.update(found for found in rule(file) if not file.allowed(found))
    by_path = {file.path: file for file in files}
    for rule in tree_rules.RULES:
        findings.update(found for found in rule(files) if not by_path[found.path].allowed(found))
    return sorted(findings)


def main(words):
    root = pathlib.Path(words[0] if words else __file__).resolve()
    files = read(root if words else root.parents[2])
    findings = check(files)
    for finding in findings:
        print(finding)
    print(f"{len(files)} files, {len(findings)} findings")
    return 1 if findings or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
