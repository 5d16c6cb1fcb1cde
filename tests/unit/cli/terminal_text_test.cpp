#include "terminal_text.hpp"

#include <catch2/catch.hpp>
#include <sstream>

namespace amdahl::cli {
namespace {

std::string through(std::string_view text, TerminalText::Options options = {}) {
  std::ostringstream out;
  {
    const TerminalText shown{out, options};
    out << text;
    for (const char c : text) out.put(c);
  }
  out << '\x1b';  // not ours any more
  return out.str();
}

}  // namespace

TEST_CASE("nobody's words steer a terminal", "[cli][terminal]") {
  CHECK(through("red\x1b[31m\x07\b\x7f\r|") == "red?[31m????|red?[31m????|\x1b");
  CHECK(through("a\tb\n\xc3\xa4\xc2\x9b") ==
        "a\tb\n\xc3\xa4\xc2\x9b"
        "a\tb\n\xc3\xa4\xc2\x9b\x1b");
}

TEST_CASE("a progress line may return to its start", "[cli][terminal]") {
  CHECK(through("\r1", {.returns = true}) == "\r1\r1\x1b");
}

TEST_CASE("on a terminal the longer control characters are none either", "[cli][terminal]") {
  // U+009B is ESC [ in one character; U+00A4 is no control character.
  CHECK(through("\xc2\x9b"
                "2J\xc2\xa4",
                {.is_terminal = true}) ==
        "\xc2\xbf"
        "2J\xc2\xa4"
        "\xc2\xbf"
        "2J\xc2\xa4\x1b");
}

TEST_CASE("what we mean passes", "[cli][terminal]") {
  std::ostringstream out;
  TerminalText shown{out, {}};
  shown.steer("\x1b[2J");
  out << 'x';
  CHECK(out.str() == "\x1b[2Jx");
}

}  // namespace amdahl::cli
