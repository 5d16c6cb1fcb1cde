#include "amdahl/run_files/durable.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace amdahl;
using core::ErrorCode;

TEST_CASE("a file is read whole or refused", "[run_files][durable]") {
  test::ScratchFolder folder;
  const std::string text(10'000, 'x');
  const auto path = folder.write("f", text);
  CHECK(run_files::read_file(path, 10'000).value() == text);
  const auto longer = run_files::read_file(path, 9'999);
  REQUIRE(longer.has_error());
  CHECK(longer.error().code == ErrorCode::invalid_input);
  CHECK(run_files::read_file(folder.path() / "none", 10).error().code == ErrorCode::not_found);
  CHECK(run_files::read_file(folder.write("empty", ""), 0).value().empty());
}

TEST_CASE("neither link nor pipe nor folder is read", "[run_files][durable]") {
  test::ScratchFolder folder;
  std::filesystem::create_symlink(folder.write("f", "x"), folder.path() / "link");
  REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
  for (const auto* name : {"link", "pipe", "."}) {
    CAPTURE(name);
    CHECK(run_files::read_file(folder.path() / name, 10).has_error());
  }
}

TEST_CASE("the end of a file is read", "[run_files][durable]") {
  test::ScratchFolder folder;
  const auto path = folder.write("f", "0123456789");
  CHECK(run_files::read_file_end(path, 4).value() == "6789");
  CHECK(run_files::read_file_end(path, 100).value() == "0123456789");
}

TEST_CASE("writing replaces at once and leaves nothing beside", "[run_files][durable]") {
  test::ScratchFolder folder;
  const auto path = folder.write("f", "old, and longer");
  REQUIRE(run_files::write_file(path, "new").has_value());
  CHECK(folder.read("f") == "new");
  REQUIRE(run_files::write_file_volatile(path, "newer").has_value());
  CHECK(folder.read("f") == "newer");
  const std::filesystem::directory_iterator entries{folder.path()};
  CHECK(std::distance(begin(entries), end(entries)) == 1);
  CHECK(run_files::write_file(folder.path() / "none/f", "x").error().code == ErrorCode::not_found);
}

TEST_CASE("only the first creates a file exclusively", "[run_files][durable]") {
  test::ScratchFolder folder;
  CHECK(run_files::create_exclusively(folder.path() / "claim", "me").value());
  CHECK_FALSE(run_files::create_exclusively(folder.path() / "claim", "you").value());
  CHECK(folder.read("claim") == "me");
}
