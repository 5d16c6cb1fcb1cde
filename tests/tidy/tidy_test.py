"""Each rule fires on a bad snippet and keeps quiet about a good one beside it."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cpp_text
import main
from findings import SourceFile


def rules_broken(path, text, *others):
    files = [SourceFile(path, text)] + [SourceFile(*other) for other in others]
    return {found.rule for found in main.check(files)} - {"not-built"}


def cpp(text, path="src/core/trial.cpp"):
    return rules_broken(path, text if text.endswith("\n") else text + "\n")


def body(lines):
    return "void f(int a) {\n" + "  g();\n" * (lines - 2) + "}\n"


class Functions(unittest.TestCase):
    def test_a_function_of_more_than_100_lines_is_found(self):
        self.assertEqual(cpp(body(101)), {"function-length"})
        self.assertEqual(cpp(body(100)), set())

    def test_lambdas_count_for_the_function_around_them(self):
        inner = "  h([](int a) {\n" + "    g();\n" * 60 + "  });\n"
        self.assertEqual(cpp("void f() {\n" + inner * 2 + "}\n"), {"function-length"})

    def test_members_in_classes_and_namespaces_are_functions_and_the_rest_is_not(self):
        many = "  int a;\n" * 101
        self.assertEqual(cpp("namespace x {\nstruct S {\n" + many + "};\n}\n"), set())
        self.assertEqual(cpp("namespace x {\nstruct S {\n" + body(101) + "};\n}\n"),
                         {"function-length"})
        self.assertEqual(cpp("const T table = make<T>({\n" + "  {1, 2},\n" * 120 + "});\n"), set())
        self.assertEqual(cpp("bool operator==(A a, B b) {\n" + "  g();\n" * 100 + "}\n"),
                         {"function-length"})

    def test_braces_in_comments_and_literals_do_not_count(self):
        self.assertEqual(cpp('void f() {\n  g("}", \'}\', R"x(}})x");  // }\n' + "  g();\n" * 99 + "}"),
                         {"function-length"})

    def test_digit_separators_are_not_characters(self):
        self.assertEqual(cpp("const int a = 1'000'000;\n" + body(101)), {"function-length"})


class Coroutines(unittest.TestCase):
    def test_braces_inside_co_await_are_found(self):
        for bad in ("co_await f(Spec{1});", "auto x = co_await f([a] { return a; });",
                    "co_await f({1, 2});", "if (co_await f(S{})) {}", "co_return co_await g(T{});"):
            self.assertIn("await-braces", cpp("A f() {\n  " + bad + "\n}"), bad)

    def test_what_follows_the_expression_is_free(self):
        for good in ("if (co_await f()) {\n  }", "for (auto x : co_await f()) {\n  }",
                     "auto x = co_await f(a[1]);\n  S s{1};", "co_return S{1};",
                     "// co_await f(S{})"):
            self.assertEqual(cpp("A f() {\n  " + good + "\n}"), set(), good)

    def test_a_lambda_that_is_a_coroutine_is_found(self):
        bad = "void f() {\n  spawn([this](int a) -> asio::awaitable<void> { co_return; });\n}"
        self.assertIn("coroutine-lambda", cpp(bad))
        self.assertEqual(cpp("asio::awaitable<void> f() { co_return; }"), set())


class Layers(unittest.TestCase):
    def test_clocks_and_dice_are_handed_in(self):
        for bad in ("std::chrono::system_clock::now()", "steady_clock::now()",
                    "std::random_device{}()", "std::this_thread::sleep_for(1s)", "::time(nullptr)"):
            self.assertIn("injected-time", cpp(f"auto x = {bad};", "src/loop/engine.cpp"), bad)
            self.assertEqual(cpp(f"auto x = {bad};", "src/cli/clock.cpp"), set(), bad)
        self.assertEqual(cpp("// system_clock::now() is forbidden"), set())
        self.assertEqual(cpp("auto x = steady_clock::now();", "src/ledger/wait.cpp"), set())
        self.assertIn("injected-time", cpp("auto x = system_clock::now();", "src/ledger/wait.cpp"))

    def test_tests_do_not_sleep(self):
        self.assertIn("sleep-in-test", cpp("void f() { sleep_for(1s); }", "tests/support/x.cpp"))

    def test_pure_layers_include_nothing_impure(self):
        for header in ("thread", "fstream", "sys/stat.h", "boost/asio/awaitable.hpp"):
            bad = f"#include <{header}>"
            self.assertIn("pure-layer", cpp(bad, "src/stats/evidence.cpp"), header)
            self.assertIn("pure-layer", cpp(bad, "src/loop/planner_choice.cpp"), header)
            self.assertEqual(cpp(bad, "src/loop/engine.cpp"), set(), header)

    def test_libraries_stay_in_their_folders(self):
        self.assertIn("library-home", cpp("#include <pqxx/pqxx>", "src/loop/engine.cpp"))
        self.assertIn("library-home",
                      cpp("#pragma once\n#include <pqxx/pqxx>", "include/amdahl/ledger/ledger.hpp"))
        self.assertEqual(cpp("#include <pqxx/pqxx>", "src/ledger/rows.cpp"), set())
        self.assertIn("library-home", cpp("#include <catch2/catch.hpp>", "src/cli/main.cpp"))

    def test_json_is_forward_declared_in_public_headers(self):
        bad = "#pragma once\n#include <nlohmann/json.hpp>\nvoid f(const nlohmann::json& value);"
        self.assertIn("json-header", cpp(bad, "include/amdahl/core/job.hpp"))
        holds = "#pragma once\n#include <nlohmann/json.hpp>\nstruct S {\n  nlohmann::json value;\n};"
        self.assertEqual(cpp(holds, "include/amdahl/core/job.hpp"), set())

    def test_includes_do_not_climb(self):
        self.assertIn("relative-include", cpp('#include "../core/ids.hpp"'))

    def test_sql_stands_in_statements(self):
        for bad in ('"SELECT id FROM trial"', 'R"sql(UPDATE trial SET state = 1)sql"',
                    '"insert into trial values (1)"', '"drop table trial"',
                    'R"(\n  WITH a AS (SELECT 1) SELECT 2)"'):
            self.assertIn("sql-home", cpp(f"auto q = {bad};", "src/ledger/rows.cpp"), bad)
            self.assertEqual(cpp(f"#pragma once\nauto q = {bad};", "src/ledger/statements.hpp"), set())
        for good in ('f("select a file");', 'f("as a superuser: CREATE ROLE x");', 'f();  // "SELECT id FROM trial"', "int from, select;"):
            self.assertEqual(cpp(good, "src/ledger/rows.cpp"), set(), good)

    def test_the_arrows_hold_in_cmake_and_in_includes(self):
        cmake = "amdahl_layer(stats\n  SOURCES a.cpp\n  DEPENDS core ledger\n  LIBRARIES x)\n"
        self.assertEqual(rules_broken("src/stats/CMakeLists.txt", cmake), {"arrows"})
        self.assertEqual(rules_broken("src/stats/CMakeLists.txt", cmake.replace(" ledger", "")), set())
        self.assertEqual(rules_broken("src/stats/CMakeLists.txt", cmake.replace("stats", "extra")),
                         {"arrows"})
        self.assertIn("arrows", cpp('#include "amdahl/loop/planner.hpp"', "src/ledger/rows.cpp"))
        self.assertEqual(cpp('#include "amdahl/loop/planner.hpp"', "src/cli/run.cpp"), set())


class Cpp(unittest.TestCase):
    def test_headers_are_guarded_and_leak_no_names(self):
        self.assertEqual(cpp("int a();", "src/core/a.hpp"), {"pragma-once"})
        self.assertEqual(cpp("#pragma once\nusing namespace std;", "src/core/a.hpp"),
                         {"using-in-header"})
        good = "#pragma once\nusing namespace std::chrono_literals;"
        self.assertEqual(cpp(good, "src/core/a.hpp"), set())

    def test_assert_is_not_used(self):
        self.assertEqual(cpp("void f() { assert(a); }"), {"assert"})
        self.assertEqual(cpp("static_assert(a);"), set())

    def test_shared_ownership_is_explained(self):
        self.assertEqual(cpp("std::shared_ptr<A> a;"), {"shared-ownership"})
        self.assertEqual(cpp("// Two sessions end in any order.\nstd::shared_ptr<A> a;"), set())

    def test_secrets_are_compared_in_constant_time(self):
        for bad in ("given_token == token", "source.url_token != token", "token == run_token(secret, key)",
                    "*signature == expected", "std::equal(a, b, c)", "memcmp(a, b, n) == 0",
                    "text.compare(secret) == 0", "strcmp(a, b) == 0", "std::ranges::equal(a, b)"):
            for path in ("hooks/doors.cpp", "hooks/signature.hpp", "result_post.cpp", "gate.cpp"):
                guard = "#pragma once\n" if path.endswith("hpp") else ""
                self.assertEqual(cpp(f"{guard}bool f() {{ return {bad}; }}", f"src/http/{path}"),
                                 {"secret-compare"}, (bad, path))
            self.assertEqual(cpp(f"bool f() {{ return {bad}; }}", "src/http/router.cpp"), set(), bad)
        for good in ("same_token(a, b)", "token == params.end()", "secret.size() != token.size()", "a == b",
                     "token.find(c) == std::string::npos", "owner == nullptr", "tokens.at(i) != 2",
                     "CRYPTO_memcmp(token.data(), b.data(), n) == 0", "signature.proof == Proof::valid"):
            self.assertEqual(cpp(f"bool f() {{ return {good}; }}", "src/http/hooks/doors.cpp"), set(), good)

    def test_where_signatures_are_made_nothing_else_is_compared_either(self):
        path = "src/http/hooks/signature.cpp"
        for bad in ("given == expected", "sha256(a) == sha256(b)", "a != b"):
            self.assertEqual(cpp(f"bool f() {{ return {bad}; }}", path), {"secret-compare"}, bad)
        for good in ("CRYPTO_memcmp(a, b, n) == 0", "a.size() == b.size()", "c != '.'", "ec == std::errc{}"):
            self.assertEqual(cpp(f"bool f() {{ return {good}; }}", path), set(), good)


class Tests(unittest.TestCase):
    PATH = "tests/unit/core/a_test.cpp"

    def test_a_test_asserts_something(self):
        self.assertEqual(cpp('TEST_CASE("a") { f(); }', self.PATH), {"test-asserts"})
        self.assertEqual(cpp('TEST_CASE("a") {\n  CHECK(f() == 1);\n}', self.PATH), set())
        self.assertEqual(cpp('TEST_CASE("a") { check_twins(1); }', self.PATH), set())
        self.assertEqual(cpp('TEST_CASE("a") { f("CHECK(1)"); }', self.PATH), {"test-asserts"})
        self.assertEqual(cpp("void f();", self.PATH), {"test-asserts"})

    def test_names_survive_discovery(self):
        for bad in ("a; b", "a ", "~a", 'a \\"b\\"'):
            self.assertEqual(cpp(f'TEST_CASE("{bad}") {{ CHECK(1); }}', self.PATH), {"test-name"}, bad)
        self.assertEqual(cpp('TEST_CASE("a, b: c (d)"\n   "e", "[t]") { CHECK(1); }', self.PATH), set())

    def test_every_source_is_built(self):
        def orphans(path, *cmake):
            files = [SourceFile(path, "int a;\n")] + [SourceFile(*each) for each in cmake]
            return [found.path for found in main.check(files) if found.rule == "not-built"]
        self.assertEqual(orphans("src/core/a.cpp"), ["src/core/a.cpp"])
        self.assertEqual(orphans("src/core/a.cpp", ("src/core/CMakeLists.txt", "  a.cpp\n")), [])
        self.assertEqual(orphans("src/core/a.cpp", ("src/core/CMakeLists.txt", "  # a.cpp\n")),
                         ["src/core/a.cpp"])
        self.assertEqual(orphans("src/core/a.cpp", ("src/core/CMakeLists.txt", "  ba.cpp\n")),
                         ["src/core/a.cpp"])
        self.assertEqual(orphans("src/core/x/a.cpp", ("src/core/CMakeLists.txt", " x/a.cpp\n")), [])
        self.assertEqual(orphans("tests/b/a.cpp", ("tests/c/CMakeLists.txt", " ../b/a.cpp\n")), [])
        self.assertEqual(orphans("tests/b/a.cpp", ("cmake/T.cmake", "${PROJECT_SOURCE_DIR}/tests/b/a.cpp")),
                         [])

    def test_programs_have_names_of_their_own(self):
        self.assertEqual(rules_broken("tests/a/CMakeLists.txt", "amdahl_test(x LABEL unit)\n",
                                      ("tests/b/CMakeLists.txt", "amdahl_test(x LABEL unit)\n")),
                         {"unique-test"})


class Text(unittest.TestCase):
    def test_a_file_of_more_than_400_lines_is_found(self):
        self.assertEqual(cpp("int a;\n" * 401), {"file-length"})
        self.assertEqual(cpp("int a;\n" * 400), set())
        self.assertEqual(rules_broken("tests/unit/core/CMakeLists.cmake", "#\n" * 500), set())
        self.assertEqual(rules_broken("tests/unit/core/CMakeLists.cmake", "#\n" * 501),
                         {"file-length"})
        self.assertEqual(rules_broken("migrations/0001.sql", "--\n" * 900), set())

    def test_paths_of_a_machine_are_found(self):
        for folder in ("work/main", "home/mira", "root/.ssh"):
            self.assertEqual(rules_broken("README.md", f"cd /{folder}\n"), {"machine-path"}, folder)
        for good in ("cd src/work/main\n", "/home is full\n", "https://x.example/a/work/b\n"):
            self.assertEqual(rules_broken("README.md", good), set(), good)

    def test_unfinished_work_names_an_issue(self):
        for word in ("TODO", "FIXME"):
            self.assertEqual(cpp(f"// {word}: later"), {"unfinished"})
            self.assertEqual(cpp(f"// {word}(#12): later"), set())

    def test_names_that_say_nothing_are_found(self):
        for name in ("utils", "string_helpers", "manager", "common"):
            self.assertEqual(cpp("int a;", f"src/core/{name}.cpp"), {"empty-name"}, name)
        self.assertEqual(cpp("int a;", "src/core/commonality.cpp"), set())

    def test_white_space_is_clean(self):
        self.assertEqual(rules_broken("a.py", "a = 1 \n"), {"whitespace"})
        self.assertEqual(rules_broken("a.py", "a = 1"), {"whitespace"})
        self.assertEqual(rules_broken("a.py", "\ta = 1\n"), {"whitespace"})

    def test_a_line_is_allowed_only_with_a_reason(self):
        self.assertEqual(cpp("void f() { assert(a); }  // tidy: allow(assert): a C header's macro"),
                         set())
        self.assertEqual(cpp("// tidy: allow(assert): a C header's macro\nvoid f() { assert(a); }"),
                         set())
        self.assertEqual(cpp("void f() { assert(a); }  // tidy: allow(assert)"),
                         {"assert", "allowance"})
        self.assertEqual(cpp("void f() { assert(a); }  // tidy: allow(sql-home): no"), {"assert"})


class Words(unittest.TestCase):
    def test_comments_and_literals_are_told_apart(self):
        text = 'a("// no", R"(/* no */ ")"); // yes " \n b(\'"\'); /* yes\n */ c'
        code = cpp_text.code_only(text)
        self.assertEqual(len(code), len(text))
        self.assertEqual(code.count("\n"), text.count("\n"))
        self.assertNotIn("no", code)
        self.assertNotIn("yes", code)
        self.assertIn("b(' ');", code)


if __name__ == "__main__":
    unittest.main()
