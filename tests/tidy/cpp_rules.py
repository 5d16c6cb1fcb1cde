"""Rules about C++ files. Each takes a SourceFile and yields Findings; RULES lists them."""

import re

import cpp_text

FUNCTION_LINES = 100
PURE = re.compile(r"(src|include/amdahl)/(core|stats|diagnosis)/|src/loop/planner")
OUTERMOST = ("cli", "worker")  # they make the clock and the dice that others are handed
# They wait for processes, files and sockets, and bound each wait; nothing they answer depends on it.
WAITING = ("ledger", "scheduler_adapters", "run_files", "agents", "http")


def function_length(file):
    for block in cpp_text.functions(file.code):
        lines = file.code.count("\n", block.start, block.end) + 1
        if lines > FUNCTION_LINES:
            yield file.at(block.start, "function-length",
                          f"{lines} lines in one function; {FUNCTION_LINES} at most, 60 is plenty")


def await_braces(file):
    for offset in cpp_text.awaited_braces(file.code):
        yield file.at(offset, "await-braces",
                      "braces or a lambda inside a co_await expression: g++ 12 destroys such "
                      "temporaries twice; name the value before, then std::move it")


CLOCKS = re.compile(
    r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b|\brandom_device\b|"
    r"\b(?:sleep_for|sleep_until|usleep|nanosleep|gettimeofday|clock_gettime)\b|::time\(|\bs?rand\(")
SLEEPS = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|::sleep\(")


def injected_time(file):
    if file.layer and file.layer not in OUTERMOST:
        for match in CLOCKS.finditer(file.code):
            if match[0] == "steady_clock::now" and file.layer in WAITING:
                continue
            yield file.at(match.start(), "injected-time",
                          f"{match[0].strip('(')}: time and randomness are handed in, "
                          "and made in src/cli")


def no_sleep_in_tests(file):
    if file.is_test:
        for match in SLEEPS.finditer(file.code):
            yield file.at(match.start(), "sleep-in-test",
                          "a test that sleeps is slow or flaky: wait for what it waits for")


IMPURE_INCLUDES = re.compile(
    r"^(thread|mutex|condition_variable|future|fstream|iostream|sys/.*|unistd\.h|fcntl\.h|poll\.h|"
    r"netdb\.h|boost/(asio|beast|process|filesystem).*|spdlog/.*|pqxx/.*)$")


def pure_layers(file):
    if PURE.match(file.path):
        for line, header in file.includes:
            if IMPURE_INCLUDES.match(header):
                yield file.on(line, "pure-layer",
                              f"<{header}>: this part knows no clock, thread, socket, file or log")


# Include roots cannot forbid a library that lies in /usr/include.
LIBRARY_HOMES = (
    ("pqxx/", re.compile(r"src/ledger/|tests/(integration|conformance|support)/")),
    ("libpq", re.compile(r"src/ledger/|tests/(integration|support)/")),
    ("boost/beast", re.compile(r"src/(http|http_client|scheduler_adapters)/|tests/")),
    ("boost/process", re.compile(r"src/(scheduler_adapters|ledger|loop|cli|agents)/|tests/")),
    ("CLI/", re.compile(r"src/cli/|src/worker/")),
    ("spdlog/", re.compile(r"src/telemetry/|src/cli/")),
    ("toml++", re.compile(r"src/")),
    ("catch2/", re.compile(r"tests/")),
)

HOLDS_JSON = re.compile(r"^[^()\n]*\bnlohmann::json>*\s+\w+\s*[;={]", re.M)


def libraries(file):
    for line, header in file.includes:
        for prefix, home in LIBRARY_HOMES:
            if header.startswith(prefix) and not home.match(file.path):
                yield file.on(line, "library-home", f"<{header}> is not for this folder")
        if (file.path.startswith("include/") and header == "nlohmann/json.hpp"
                and not HOLDS_JSON.search(file.code)):
            yield file.on(line, "json-header", "no member is JSON: <nlohmann/json_fwd.hpp> will do")
        if header.startswith("../") or header.startswith("src/"):
            yield file.on(line, "relative-include", f'"{header}": name the layer or the folder')


# At the start of a literal: a hint may tell a person which statement to run.
SQL = re.compile(
    r"""\W*(?:R"\w*\()?\s*(?:select\s[^;]*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|"""
    r"""delete\s+from\s|with\s+\w+\s+as\s*\(|grant\s[^;]*\sto\s|"""
    r"""(?:create|alter|drop)\s+(?:table|role|database|schema|index|function|trigger|view)\b)""",
    re.I)
SQL_HOME = re.compile(r"src/ledger/\w*statements\w*\.hpp$")


def sql(file):
    if not file.layer or SQL_HOME.match(file.path):
        return
    comments = [m.span() for m in cpp_text.TOKENS.finditer(file.text) if m["line"] or m["block"]]
    for offset, literal in cpp_text.literals(file.text):
        if any(start <= offset < end for start, end in comments):
            continue
        if SQL.match(literal):
            yield file.at(offset, "sql-home",
                          "SQL stands in src/ledger/statements.hpp and migrations/ only")


def header_guard(file):
    if file.is_header and not re.search(r"^#pragma once$", file.text, re.M):
        yield file.on(1, "pragma-once", "a header begins with #pragma once")


def header_namespaces(file):
    if file.is_header:
        for match in re.finditer(r"^\s*using namespace\b(?!.*literals;)", file.code, re.M):
            yield file.at(match.end(), "using-in-header", "using namespace leaks to every includer")


def invariants(file):
    if file.layer:
        for match in re.finditer(r"(?<![\w.])assert\s*\(", file.code):
            yield file.at(match.start(), "assert", "assert is off in release: invariant() stays on")


def shared_ownership(file):
    if not file.layer:
        return
    for match in re.finditer(r"\b(shared_ptr\s*<|make_shared\b)", file.code):
        line = cpp_text.line_of(file.code, match.start())
        near = file.lines[max(0, line - 3):line]
        if not any("//" in text for text in near):
            yield file.on(line, "shared-ownership", "shared_ptr needs a comment that says why")


def coroutine_lambdas(file):
    if file.layer:
        for match in re.finditer(r"\]\s*(\([^()]*\))?\s*(mutable\s*)?->\s*[\w:]*\bawaitable\s*<",
                                 file.code):
            yield file.at(match.start(), "coroutine-lambda",
                          "spawn named coroutine functions: a lambda's captures die before it")


SECRET_DOORS = re.compile(r"src/http/(?:hooks/\w+|result_post|gate)\.[ch]pp$")
MAKES_SIGNATURES = "src/http/hooks/signature.cpp"
STOPS_EARLY = re.compile(r"\b(?:memcmp|strn?(?:case)?cmp|std::(?:ranges::)?equal)\s*\(|\.compare\s*\(")
COMPARISON = re.compile(r"(?P<left>[\w.:()\[\]>*-]+)\s*[=!]=\s*(?P<right>[\w.:()\[\]>*-]+)")
SECRET_NAME = re.compile(r"(?:secret|token|signature|hmac|digest)s?\b", re.I)
# A number, a length, a place, an enumerator.
NO_SECRET = re.compile(r"^\(*\d|\b(?:nullptr|npos|count|std::errc|(?:size|end)\(\))\)*$|\b[A-Z]\w*::\w+\)*$")


def secrets_in_constant_time(file):
    if not SECRET_DOORS.match(file.path):
        return
    found = [match.start() for match in STOPS_EARLY.finditer(file.code)]
    for match in COMPARISON.finditer(file.code):
        sides = match["left"], match["right"]
        suspect = file.path == MAKES_SIGNATURES or any(map(SECRET_NAME.search, sides))
        if suspect and not any(map(NO_SECRET.search, sides)):
            found.append(match.start("right"))
    for offset in found:
        yield file.at(offset, "secret-compare",
                      "a comparison that stops at the first difference tells how much was guessed: "
                      "hooks::same_token, or CRYPTO_memcmp in signature.cpp")


ASSERTION = re.compile(
    r"\b(?:STATIC_)?(?:CHECK|REQUIRE)\w*\s*\(|\b(?:FAIL|SUCCEED)\w*\s*\(|"
    r"\b(?:check|require|expect|verify)_\w+\s*(<[^<>;]*>)?\(")
UNFIT_IN_NAMES = set(';"\\~')


def tests_assert(file):
    if not file.is_test or not file.path.endswith("_test.cpp"):
        return
    cases = list(cpp_text.test_cases(file.text))
    if not cases:
        yield file.on(1, "test-asserts", "a test file without a test")
    for offset, name, body in cases:
        if not ASSERTION.search(body):
            yield file.at(offset, "test-asserts", f'"{name}" asserts nothing, so it cannot fail')
        unfit = UNFIT_IN_NAMES & set(name)
        if unfit or name != name.strip():
            yield file.at(offset, "test-name",
                          f'"{name}": {" ".join(sorted(unfit)) or "a space at an end"} breaks '
                          "the discovery of tests")


RULES = (function_length, await_braces, injected_time, no_sleep_in_tests, pure_layers, libraries, sql,
         header_guard, header_namespaces, invariants, shared_ownership, coroutine_lambdas,
         secrets_in_constant_time, tests_assert)
