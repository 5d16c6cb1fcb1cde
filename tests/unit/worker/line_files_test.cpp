#include "line_files.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/scratch_folder.hpp"

using namespace amdahl;

namespace {

constexpr std::size_t enough = 1 << 20;
using Lines = std::vector<std::string>;

struct Taken {
  Lines lines;
  std::string torn;
};

Taken forwards(const std::filesystem::path& path, std::size_t bytes_max = enough) {
  Taken taken;
  REQUIRE(worker::read_lines(
              path, bytes_max,
              [&](std::string_view line) {
                taken.lines.emplace_back(line);
                return true;
              },
              [&](std::string_view line) {
                taken.torn = line;
                return true;
              })
              .has_value());
  return taken;
}

Lines backwards(const std::filesystem::path& path, std::size_t lines_max = 1000,
                std::size_t bytes_max = enough) {
  Lines lines;
  REQUIRE(worker::read_lines_backwards(path, bytes_max, [&](std::string_view line) {
            lines.emplace_back(line);
            return lines.size() < lines_max;
          }).has_value());
  return lines;
}

}  // namespace

TEST_CASE("lines come in order, a torn one apart", "[worker][lines]") {
  test::ScratchFolder folder;
  const auto taken = forwards(folder.write("f", "one\n\ntwo\nthr"));
  CHECK(taken.lines == Lines{"one", "", "two"});
  CHECK(taken.torn == "thr");
  CHECK(forwards(folder.write("g", "")).lines.empty());
}

TEST_CASE("lines come backwards from the last", "[worker][lines]") {
  test::ScratchFolder folder;
  CHECK(backwards(folder.write("f", "one\n\ntwo\n")) == Lines{"two", "", "one"});
  CHECK(backwards(folder.write("f", "one\ntwo")) == Lines{"two", "one"});
  CHECK(backwards(folder.write("f", "one\ntwo\nthree\n"), 2) == Lines{"three", "two"});
  CHECK(backwards(folder.write("f", "")).empty());
  CHECK(backwards(folder.write("f", "\n")) == Lines{""});
}

TEST_CASE("lines that straddle pieces are whole in both directions", "[worker][lines]") {
  test::ScratchFolder folder;
  Lines expected;
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    expected.push_back("line " + std::to_string(i) +
                       std::string(static_cast<std::size_t>(i % 97), '.'));
    text += expected.back() + "\n";
  }
  const auto path = folder.write("f", text);
  CHECK(forwards(path).lines == expected);
  const auto reversed = backwards(path, 10'000);
  CHECK(Lines(reversed.rbegin(), reversed.rend()) == expected);
}

TEST_CASE("a line without end stays bounded and keeps its begin", "[worker][lines]") {
  test::ScratchFolder folder;
  const auto path = folder.write("f", "first\nBEGIN" + std::string(900'000, 'x') + "\nlast\n");
  const auto lines = backwards(path);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "last");
  CHECK(lines[1].starts_with("BEGIN"));
  CHECK(lines[1].size() <= 128 * 1024);
  CHECK(lines[2] == "first");
  for (const auto& line : forwards(path).lines) CHECK(line.size() <= 192 * 1024);
}

TEST_CASE("no more than the bound is read", "[worker][lines]") {
  test::ScratchFolder folder;
  const auto path = folder.write("f", "one\ntwo\nthree\n");
  CHECK(forwards(path, 8).lines == Lines{"one", "two"});
  CHECK(backwards(path, 10, 6) == Lines{"three"});
}
