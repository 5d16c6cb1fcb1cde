"""C++ as text: code without comments and literals, test cases, function bodies. No parser: what it
cannot tell apart it leaves alone."""

from dataclasses import dataclass
import re

# In this order: a raw string may hold quotes, a string may hold "//".
TOKENS = re.compile(
    r'(?P<raw>R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)")'
    r"|(?P<line>//[^\n]*)"
    r"|(?P<block>/\*.*?\*/)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')", re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """The same text with comments blanked; offsets and lines stay."""
    return TOKENS.sub(
        lambda m: blank(m[0]) if m["line"] or m["block"] else m[0], text)


def code_only(text):
    """Comments blanked, and what literals hold; their quotes stay."""
    def replace(match):
        if match["line"] or match["block"]:
            return blank(match[0])
        quote = "'" if match["char"] else '"'
        return quote + blank(match[0][1:-1]) + quote
    return TOKENS.sub(replace, text)


def literals(text):
    """(offset, text) of each string literal, raw ones included."""
    return [(m.start(), m[0]) for m in TOKENS.finditer(text) if m["raw"] or m["string"]]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


@dataclass
class Block:
    header: str  # the code between the last ';', '{' or '}' and the '{'
    start: int  # offset of the '{'
    end: int  # offset of the matching '}'
    depth: int  # blocks around it that are functions


def blocks(code):
    """Every brace block of `code` (which is code_only)."""
    found, open_blocks, since, functions = [], [], 0, 0
    parens = 0
    for match in re.finditer(r"[{};()]", code):
        char, at = match[0], match.start()
        if char in "()":
            parens += 1 if char == "(" else -1
        elif char == "{":
            block = Block(code[since:at], at, len(code), functions)
            open_blocks.append((block, parens))
            functions += is_function(block.header)
            since, parens = at + 1, 0
        elif char == "}" and open_blocks:
            block, parens = open_blocks.pop()
            block.end = at
            functions = block.depth
            found.append(block)
            since = at + 1
        elif char == ";" and parens == 0:
            since = at + 1
    return sorted(found, key=lambda block: block.start)


def is_function(header):
    """A header with a whole parameter list, and neither a type, a namespace nor an initializer."""
    header = re.sub(r"operator\s*[=<>!+\-*/%&|^~]+", "operator", header)
    if re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", header):
        return False
    balance, has_list = 0, False
    for char in header:
        if char == "(":
            balance += 1
        elif char == ")":
            balance -= 1
            has_list = True
            if balance < 0:
                return False
        elif char == "=" and balance == 0:
            return False
    return has_list and balance == 0


def functions(code):
    """Outermost function bodies: what is inside one counts as part of it."""
    return [block for block in blocks(code) if block.depth == 0 and is_function(block.header)]


TEST_CASE = re.compile(r'\b(?:TEST_CASE|SCENARIO|TEMPLATE_TEST_CASE|TEST_CASE_METHOD)\s*\(')


def test_cases(text):
    """(offset, name, body) of each Catch2 test; adjacent literals are one name."""
    code = code_only(text)
    for match in TEST_CASE.finditer(code):
        name_match = re.compile(r'[^"]*?((?:"(?:\\.|[^"\\])*"\s*)+)').match(text, match.end())
        body_start = code.find("{", match.end())
        if not name_match or body_start < 0:
            continue
        name = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', name_match[1]))
        yield match.start(), name, code[body_start:matching(code, body_start) + 1]


def matching(code, start):
    """Offset of the bracket that closes the one at `start`; the end when there is none."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return len(code) - 1


def awaited_braces(code):
    """Offsets of each co_await whose expression holds a brace: aggregate, lambda or init list."""
    for match in re.finditer(r"(?<!operator )\bco_await\b", code):
        depth = 0
        for at in range(match.end(), len(code)):
            if code[at] in "([":
                depth += 1
            elif code[at] in ")]":
                depth -= 1
                if depth < 0:
                    break
            elif code[at] == ";" and depth == 0:
                break
            elif code[at] == "{":
                yield match.start()
                break
