#include "amdahl/core/quantity.hpp"

#include <catch2/catch.hpp>

using namespace amdahl::core;
using namespace std::chrono_literals;

TEST_CASE("amounts are read with their unit or not at all", "[core][quantity]") {
  CHECK(parse_bytes("2GiB") == std::int64_t{2} << 30);
  CHECK(parse_bytes("512") == 512);
  CHECK(parse_bytes("1.5kB") == 1500);
  CHECK(parse_duration("2m") == 120'000ms);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_whole("0") == 0);
  for (const auto* bad : {"", "GiB", "-1GiB", "2 GiB", "2gib", "1e3", "nan", "99999999999TiB"}) {
    CHECK_FALSE(parse_bytes(bad));
  }
  for (const auto* bad : {"", "0s", "5", "-1s", "1w"}) CHECK_FALSE(parse_duration(bad));
  for (const auto* bad : {"", "-0", "+1", "1.0", "1 ", "99999999999999999999"})
    CHECK_FALSE(parse_whole(bad));
}

TEST_CASE("amounts are written for people", "[core][quantity]") {
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(7) == "7 B");
  CHECK(format_duration(90s) == "1m 30s");
  CHECK(format_duration(1500ms) == "1.5 s");
}
