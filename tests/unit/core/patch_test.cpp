#include "amdahl/core/patch.hpp"

#include <catch2/catch.hpp>

#include "amdahl/core/limits.hpp"

using namespace amdahl::core;

namespace {

const SourceTree tree{{"eval.py", {"one\ntwo\nthree\nfour\nfive\n", false}},
                      {"tool.sh", {"#!/bin/sh\n", true}},
                      {"lib/io.py", {"read\nwrite", false}}};  // no newline at the end

Result<SourceTree> patched(const std::string& diff) {
  const auto patch = parse_patch(diff, "patch");
  if (!patch) return patch.error();
  return apply_patch(tree, *patch, "patch");
}

void check_refused(const std::string& diff, const std::string& why) {
  const auto result = patched(diff);
  REQUIRE(result.has_error());
  INFO(result.error().message);
  CHECK(result.error().code == ErrorCode::invalid_input);
  CHECK(result.error().message.find(why) != std::string::npos);
}

const std::string names = "--- a/eval.py\n+++ b/eval.py\n";

}  // namespace

TEST_CASE("a patch modifies, creates and removes files", "[core][patch]") {
  const auto result = patched(
      "A subject line\n\n"
      "diff --git a/eval.py b/eval.py\nindex 1..2 100644\n" +
      names +
      "@@ -1,3 +1,4 @@ def main():\n one\n-two\n+TWO\n+and more\n three\n"
      "@@ -5 +6 @@\n-five\n+FIVE\n"
      "diff --git a/new/inner.py b/new/inner.py\nnew file mode 100755\n--- /dev/null\n+++ "
      "b/new/inner.py\n"
      "@@ -0,0 +1,2 @@\n+a\n+b\n"
      "diff --git a/lib/io.py b/lib/io.py\ndeleted file mode 100644\n--- a/lib/io.py\n+++ "
      "/dev/null\n"
      "@@ -1,2 +0,0 @@\n-read\n-write\n\\ No newline at end of file\n");
  REQUIRE(result.has_value());
  CHECK(result->at("eval.py").content == "one\nTWO\nand more\nthree\nfour\nFIVE\n");
  CHECK(result->at("new/inner.py") == SourceFile{"a\nb\n", true});
  CHECK(result->count("lib/io.py") == 0);
  CHECK(result->at("tool.sh") == tree.at("tool.sh"));
}

TEST_CASE("a plain diff without prefixes and with times applies", "[core][patch]") {
  const auto result = patched(
      "--- eval.py\t2026-01-01 00:00:00\n+++ eval.py\t2026-01-02 00:00:00\n@@ -2 +2 "
      "@@\n-two\n+2\n");
  REQUIRE(result.has_value());
  CHECK(result->at("eval.py").content == "one\n2\nthree\nfour\nfive\n");
}

TEST_CASE("the end of a last line is kept or changed as stated", "[core][patch]") {
  const std::string io = "--- a/lib/io.py\n+++ b/lib/io.py\n";
  const auto kept =
      patched(io + "@@ -1,2 +1,2 @@\n-read\n+READ\n write\n\\ No newline at end of file\n");
  REQUIRE(kept.has_value());
  CHECK(kept->at("lib/io.py").content == "READ\nwrite");
  const auto added = patched(io + "@@ -2 +2 @@\n-write\n\\ No newline at end of file\n+write\n");
  REQUIRE(added.has_value());
  CHECK(added->at("lib/io.py").content == "read\nwrite\n");
  check_refused(io + "@@ -2 +2 @@\n-write\n+WRITE\n", "line's end differs");
}

TEST_CASE("modes may change alone", "[core][patch]") {
  const auto result = patched("diff --git a/tool.sh b/tool.sh\nold mode 100755\nnew mode 100644\n");
  REQUIRE(result.has_value());
  CHECK_FALSE(result->at("tool.sh").executable);
}

TEST_CASE("an empty file may be created", "[core][patch]") {
  const auto result = patched("diff --git a/empty b/empty\nnew file mode 100644\nindex 000..e69\n");
  REQUIRE(result.has_value());
  CHECK(result->at("empty").content.empty());
}

TEST_CASE("quoted names are read as git writes them", "[core][patch]") {
  const auto patch = parse_patch(
      "--- /dev/null\n+++ \"b/na\\303\\257ve \\\"x\\\".py\"\n@@ -0,0 +1 @@\n+a\n", "patch");
  REQUIRE(patch.has_value());
  CHECK(patch->front().path == "na\u00efve \"x\".py");
}

TEST_CASE("a context line whose blank was stripped still counts", "[core][patch]") {
  const SourceTree blank{{"f", {"a\n\nb\n", false}}};
  const auto patch = parse_patch("--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n\n-b\n+B\n", "patch");
  REQUIRE(patch.has_value());
  CHECK(apply_patch(blank, *patch, "patch")->at("f").content == "a\n\nB\n");
}

TEST_CASE("context must stand exactly where the hunk says", "[core][patch]") {
  check_refused(names + "@@ -2,2 +2,2 @@\n one\n-two\n+2\n",
                "eval.py, hunk 1, line 2: is `two`, the patch expects `one`");
  check_refused(names + "@@ -1 +1 @@\n-one\n+1\n@@ -3 +3 @@\n-THREE\n+3\n", "hunk 2, line 3");
  check_refused(names + "@@ -5,2 +5,2 @@\n five\n-six\n+6\n", "the file ends here");
  check_refused(names + "@@ -90,0 +91 @@\n+x\n", "begins after the end");
  check_refused(names + "@@ -3 +3 @@\n-three\n+3\n@@ -1 +1 @@\n-one\n+1\n", "overlaps");
}

TEST_CASE("what exists or not must agree with the patch", "[core][patch]") {
  check_refused("--- /dev/null\n+++ b/eval.py\n@@ -0,0 +1 @@\n+x\n", "eval.py exists already");
  check_refused("--- a/gone.py\n+++ b/gone.py\n@@ -1 +1 @@\n-x\n+y\n", "gone.py does not exist");
  check_refused("--- a/eval.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n",
                "has lines the patch does not know");
}

TEST_CASE("no path leaves the root", "[core][patch]") {
  const auto path =
      GENERATE(as<std::string>{}, "../x", "a/../../x", "/etc/passwd", "a//b", "./a", "..", "a/");
  CAPTURE(path);
  CHECK(parse_patch("--- /dev/null\n+++ b/" + path + "\n@@ -0,0 +1 @@\n+x\n", "patch").has_error());
  CHECK(parse_patch("--- /dev/null\n+++ " + path + "\n@@ -0,0 +1 @@\n+x\n", "patch").has_error());
  CHECK(parse_patch("diff --git a/" + path + " b/" + path + "\nnew file mode 100644\n", "patch")
            .has_error());
}

TEST_CASE("what cannot be applied is refused by name and line", "[core][patch]") {
  check_refused("", "patch:1: no file is changed");
  check_refused("just words\n", "no file is changed");
  check_refused("diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\n",
                "patch:3: a rename or copy");
  check_refused("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "a rename");
  check_refused("diff --git a/p.png b/p.png\nindex 1..2\nBinary files a/p.png and b/p.png differ\n",
                "binary");
  check_refused("diff --git a/p.png b/p.png\nindex 1..2\nGIT binary patch\nliteral 0\n", "binary");
  check_refused(
      "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n",
      "mode 120000");
  check_refused("@@ -1 +1 @@\n-a\n+b\n", "a hunk without a file");
  check_refused("--- a/eval.py\n@@ -1 +1 @@\n", "`+++` line must follow");
  check_refused(names, "nothing changes in eval.py");
  check_refused(names + "@@ -1,2 +1 @@\n one\n", "ends within a hunk");
  check_refused(names + "@@ -1 @@\n one\n", "header is broken");
  check_refused(names + "@@ -1 +1 @@\n one\n-two\n", "patch:5: a hunk's lines do not add up");
  check_refused(names + "@@ -1 +1 @@\n-one\n+1\n+2\n", "patch:6: a hunk's lines do not add up");
  check_refused(names + "@@ -1,2 +1,2 @@\n one\nxx\n", "do not add up");
  check_refused(names + "@@ -99999999999999999999 +1 @@\n-a\n", "broken");
  check_refused(names + "@@ -0,1 +1 @@\n-a\n+b\n", "begin at 1");
  check_refused(names + "@@ -1 +1 @@\n-one\n+1\n" + names + "@@ -2 +2 @@\n-two\n+2\n",
                "eval.py stands twice");
  check_refused(std::string(limits::patch_bytes + 1, 'x'), "longer than");
}
