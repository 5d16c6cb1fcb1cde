#include "result_file.hpp"

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace amdahl;
using worker::ResultFile;

TEST_CASE("a result appears whole, over its reserved space", "[worker][result]") {
  test::ScratchFolder folder;
  auto file = ResultFile::reserve(folder.path() / "result.json");
  REQUIRE(file.has_value());
  CHECK_FALSE(std::filesystem::exists(folder.path() / "result.json"));
  REQUIRE(file->commit("{\"a\":1}").has_value());
  CHECK(folder.read("result.json") == "{\"a\":1}");
}

TEST_CASE("a result larger than its reserved space is written too", "[worker][result]") {
  test::ScratchFolder folder;
  auto file = ResultFile::reserve(folder.path() / "result.json");
  const std::string text(500'000, 'x');
  REQUIRE(file->commit(text).has_value());
  CHECK(folder.read("result.json") == text);
}

TEST_CASE("a run that was moved meanwhile still gets its result", "[worker][result]") {
  test::ScratchFolder folder;
  std::filesystem::create_directory(folder.path() / "live");
  auto file = ResultFile::reserve(folder.path() / "live/result.json");
  std::filesystem::rename(folder.path() / "live", folder.path() / "done");
  REQUIRE(file->commit("{}").has_value());
  CHECK(folder.read("done/result.json") == "{}");
}

TEST_CASE("a folder that is gone is an error with its name", "[worker][result]") {
  test::ScratchFolder folder;
  const auto file = ResultFile::reserve(folder.path() / "gone/result.json");
  REQUIRE(file.has_error());
  CHECK(file.error().message.find("gone") != std::string::npos);
}
