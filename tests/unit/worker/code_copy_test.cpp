#include "code_copy.hpp"

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace amdahl;
namespace fs = std::filesystem;

namespace {

struct CopyFixture {
  test::ScratchFolder folder;
  fs::path from = folder.path() / "from", to = folder.path() / "to";
  CopyFixture() {
    folder.write("from/eval.py", "one\n");
    folder.write("from/lib/io.py", "read\n");
    folder.write("from/tool", "#!/bin/sh\n");
    fs::permissions(from / "tool", fs::perms::owner_all);
    folder.write("outside", "secret\n");
  }
};

std::string error_of(const core::Result<void>& result) {
  return result.has_error() ? result.error().message : "no error";
}

}  // namespace

TEST_CASE_METHOD(CopyFixture, "a copy has the same files and may be written", "[worker][code]") {
  fs::permissions(from / "eval.py", fs::perms::owner_read);
  REQUIRE(worker::copy_code(from, to).has_value());
  CHECK(folder.read("to/lib/io.py") == "read\n");
  CHECK((fs::status(to / "tool").permissions() & fs::perms::owner_exec) != fs::perms::none);
  CHECK((fs::status(to / "eval.py").permissions() & fs::perms::owner_write) != fs::perms::none);
  folder.write("to/lib/io.py", "changed\n");
  CHECK(folder.read("from/lib/io.py") == "read\n");
}

TEST_CASE_METHOD(CopyFixture, "a snapshot that is not there is named", "[worker][code]") {
  CHECK(error_of(worker::copy_code(folder.path() / "gone", to)).find("gone") != std::string::npos);
}

TEST_CASE_METHOD(CopyFixture, "patches apply one after the other", "[worker][code]") {
  REQUIRE(worker::copy_code(from, to).has_value());
  const auto patched =
      worker::patch_code(to, {"--- a/eval.py\n+++ b/eval.py\n@@ -1 +1 @@\n-one\n+two\n",
                              "--- a/eval.py\n+++ b/eval.py\n@@ -1 +1 @@\n-two\n+three\n"
                              "--- /dev/null\n+++ b/new/deep/x.py\n@@ -0,0 +1 @@\n+x\n"
                              "--- a/lib/io.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-read\n"});
  REQUIRE(error_of(patched) == "no error");
  CHECK(folder.read("to/eval.py") == "three\n");
  CHECK(folder.read("to/new/deep/x.py") == "x\n");
  CHECK_FALSE(fs::exists(to / "lib/io.py"));
}

TEST_CASE_METHOD(CopyFixture, "the patch that does not apply is named", "[worker][code]") {
  REQUIRE(worker::copy_code(from, to).has_value());
  const auto text =
      error_of(worker::patch_code(to, {"--- a/eval.py\n+++ b/eval.py\n@@ -1 +1 @@\n-one\n+two\n",
                                       "--- a/eval.py\n+++ b/eval.py\n@@ -1 +1 @@\n-one\n+two\n"}));
  CHECK(text.find("patch 2 does not apply: eval.py, hunk 1, line 1") != std::string::npos);
}

TEST_CASE_METHOD(CopyFixture, "no link leads a patch out of its folder", "[worker][code]") {
  fs::create_directory_symlink(folder.path(), from / "up");
  fs::create_symlink(folder.path() / "outside", from / "link");
  REQUIRE(worker::copy_code(from, to).has_value());
  CHECK(
      worker::patch_code(to, {"--- a/up/outside\n+++ b/up/outside\n@@ -1 +1 @@\n-secret\n+known\n"})
          .has_error());
  CHECK(
      worker::patch_code(to, {"--- /dev/null\n+++ b/up/new\n@@ -0,0 +1 @@\n+known\n"}).has_error());
  CHECK(worker::patch_code(to, {"--- a/link\n+++ b/link\n@@ -1 +1 @@\n-secret\n+known\n"})
            .has_error());
  CHECK(worker::patch_code(to, {"--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+known\n"}).has_error());
  CHECK(folder.read("outside") == "secret\n");
  CHECK_FALSE(fs::exists(folder.path() / "new"));
}
