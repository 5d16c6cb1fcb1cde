"""The queries of examples/grafana, and what an exposition shows."""

import json
import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ["AMDAHL_SOURCE_DIR"])
FOLDER = SOURCE / "examples/grafana"
NAME = re.compile(r"\bamdahl_[a-z_]+\b")
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


def exposition():
    """Of a service to which everything has happened (tests/unit/telemetry/exposition.cpp)."""
    program = pathlib.Path(os.environ["AMDAHL_BINARY_DIR"]) / "tests/bin/exposition"
    with os.popen(str(program)) as out:
        return out.read()


def samples(text):
    """name → names of its labels, suffixes of histograms included."""
    shown = {}
    for line in text.splitlines():
        match = SAMPLE.match(line)
        if match:
            labels = set(re.findall(r'(\w+)="', match[2] or ""))
            shown.setdefault(match[1], set()).update(labels)
    return shown


def types(text):
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))


def dashboard_queries():
    """(panel's title, query), each as written."""
    dashboard = json.loads((FOLDER / "amdahl.json").read_text())
    return [(panel["title"], target["expr"])
            for panel in dashboard["panels"] for target in panel.get("targets", [])]


def alert_queries(text=None):
    """name → query. Of our own file, in which `expr` stands on its line or as a block below it."""
    found = {}
    lines = (text or (FOLDER / "alerts.yml").read_text()).splitlines()
    name = None
    for at, line in enumerate(lines):
        if match := re.match(r"\s*- alert: (\w+)$", line):
            name = match[1]
        elif match := re.match(r"(\s*)expr: (.+)$", line):
            if match[2] != "|":
                found[name] = match[2]
                continue
            block = []
            for below in lines[at + 1:]:
                if not below.startswith(match[1] + "  "):
                    break
                block.append(below.strip())
            found[name] = " ".join(block)
    return found


def faults(query, shown):
    """Why `query` cannot be answered from what is shown."""
    names = NAME.findall(query)
    if not names:
        yield "it names no metric of ours"
    known = {"instance", "job", "le"}
    for name in names:
        if name not in shown:
            yield f"{name} is not shown"
        known |= shown.get(name, set())
    for name, selector in re.findall(r"(amdahl_[a-z_]+)\{([^}]*)\}", query):
        for label in re.findall(r'(\w+)\s*[=!]~?"', selector):
            if label not in shown.get(name, set()):
                yield f"{name} has no label {label}"
    for group in re.findall(r"\bby \(([^)]*)\)", query):
        for label in group.split(","):
            if label.strip() not in known:
                yield f"by ({label.strip()}): no metric of the query has it"
    # Of what may go down there is no rate.
    for name in re.findall(r"\b(?:rate|increase)\((amdahl_[a-z_]+)", query):
        if not name.endswith(("_total", "_bucket", "_sum", "_count")):
            yield f"{name} is no counter"
