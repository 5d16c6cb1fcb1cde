"""`/openapi.json` of a running service as a judge of what the service answers."""

import json
import re

from cli_loop_test import violation


class Document:
    def __init__(self, door):
        self.json = door.get("/openapi.json").json()
        self._patterns = [(path, re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(path)))) for path in self.json["paths"]]
        self._problem = {"$ref": "#/components/schemas/problem"}

    def path_of(self, target):
        """The path of the document that this is one of: none, or the one with the most of its own letters."""
        fitting = [path for path, pattern in self._patterns if pattern.fullmatch(target.partition("?")[0])]
        return max(fitting, key=lambda path: len(re.sub(r"\{.*?\}", "", path)), default=None)

    def check(self, method, target, status, headers, body):
        fault = self.fault(method, target, status, {name.lower(): value for name, value in headers.items()}, body)
        assert not fault, fault

    def fault(self, method, target, status, headers, body):
        """What of an answer the document does not say; empty where it says it all. A body without end is none."""
        path = self.path_of(target)
        methods = self.json["paths"].get(path, {})
        operation = methods.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            return self._fault_of_no_operation(method, target, methods, status, headers, body)
        described = operation["responses"].get(str(status))
        if described is None:
            return f"{method} {path} may not answer {status}"
        kind = headers.get("content-type", "").partition(";")[0]
        kinds = described.get("content", {})
        if kind not in kinds and (kinds or body):
            return f"{method} {path}: {status} of {kind or 'no type'}, not {list(kinds)}"
        if method == "HEAD" or not kind.endswith("json"):
            return ""
        return self.violation(kinds[kind]["schema"], body)

    def _fault_of_no_operation(self, method, target, methods, status, headers, body):
        allowed = {405} if methods else {404}
        if status not in {400, 413, 429, 431, 503} | allowed:
            return f"{method} {target} is not in the document, and answers {status}"
        if status == 405 and {word.lower() for word in headers["allow"].split(", ")} != set(methods):
            return f"{method} {target}: Allow: {headers['allow']}, not {list(methods)}"
        return "" if method == "HEAD" else self.violation(self._problem, body)

    def violation(self, schema, body):
        return violation(self.json, schema, json.loads(body))
