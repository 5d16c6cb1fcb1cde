"""Rules about the repository as a whole: the arrows between layers, sources nobody builds."""

import posixpath
import re

from findings import Finding

EVERY_LAYER = None
# design: who may use whom. A layer that is not named here is a mistake or a decision to record.
MAY_USE = {
    "core": set(),
    "stats": {"core"},
    "telemetry": {"core"},
    "diagnosis": {"core", "stats"},
    "ledger": {"core", "telemetry"},
    "run_files": {"core"},
    "http_client": {"core"},
    "scheduler_adapters": {"core", "telemetry", "run_files", "http_client"},
    "agents": {"core", "telemetry", "diagnosis"},
    "loop": {"core", "stats", "telemetry", "diagnosis", "ledger", "scheduler_adapters", "agents"},
    "simulation": {"core", "stats", "ledger", "scheduler_adapters", "loop"},
    "http": {"core", "telemetry", "ledger", "loop"},
    "worker": {"core", "diagnosis", "run_files", "http_client"},
    "cli": EVERY_LAYER,
}


def declared_layers(files):
    """layer → (CMake file, line, layers it lists), from amdahl_layer(...) calls."""
    declared = {}
    for file in files:
        if not file.path.endswith("CMakeLists.txt"):
            continue
        text = re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), file.text)
        for match in re.finditer(r"\bamdahl_layer\(\s*(\w+)([^)]*)\)", text):
            depends = re.search(r"\bDEPENDS\b((?:\s+[a-z_]+)+)", match[2])
            declared[match[1]] = (file, text.count("\n", 0, match.start()) + 1,
                                  set(depends[1].split()) if depends else set())
    return declared


def arrows(files):
    declared = declared_layers(files)
    for layer, (file, line, depends) in sorted(declared.items()):
        if layer not in MAY_USE:
            yield file.on(line, "arrows", f"layer {layer} is not in MAY_USE of tests/tidy")
        elif MAY_USE[layer] is not EVERY_LAYER:
            for target in sorted(depends - MAY_USE[layer]):
                yield file.on(line, "arrows", f"{layer} may not use {target}")
    for file in files:
        if not file.is_cpp or not file.layer or MAY_USE.get(file.layer, EVERY_LAYER) is EVERY_LAYER:
            continue
        for line, header in file.includes:
            match = re.match(r"amdahl/(\w+)/", header)
            if match and match[1] != file.layer and match[1] not in MAY_USE[file.layer]:
                yield file.on(line, "arrows", f"{file.layer} may not include {match[1]}")


SOURCE_WORD = re.compile(r"(\$\{(?:PROJECT|CMAKE)_SOURCE_DIR\}/)?([\w./-]+\.(?:cpp|cu|sql))\b")


def built(files):
    """Each C++ or SQL source is named in some CMakeLists.txt: else nothing compiles or runs it."""
    named = set()
    for file in files:
        if file.path.endswith(("CMakeLists.txt", ".cmake")):
            folder = file.path.rpartition("/")[0]
            text = re.sub(r"#[^\n]*", "", file.text)
            named.update(match[2] if match[1] else posixpath.normpath(f"{folder}/{match[2]}")
                         for match in SOURCE_WORD.finditer(text))
    for file in files:
        is_source = file.path.endswith((".cpp", ".cu")) or (
            file.path.startswith("migrations/") and file.path.endswith(".sql"))
        if (is_source and file.path not in named
                and not file.path.startswith("examples/")):  # jobs, with builds of their own
            yield file.on(1, "not-built", "no CMakeLists.txt names this file, so nothing builds it")


def unique_tests(files):
    """Two programs of one name overwrite each other's tests."""
    seen = {}
    for file in files:
        if not file.path.endswith("CMakeLists.txt"):
            continue
        for match in re.finditer(r"^\s*amdahl_test\(\s*(\w+)", file.text, re.M):
            line = file.text.count("\n", 0, match.start(1)) + 1
            if match[1] in seen:
                yield Finding(file.path, line, "unique-test", f"{match[1]} is also in {seen[match[1]]}")
            seen[match[1]] = file.path


RULES = (arrows, built, unique_tests)
