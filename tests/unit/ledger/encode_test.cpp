#include "encode.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace amdahl::ledger {
namespace {

using nlohmann::json;

TEST_CASE("text that PostgreSQL cannot hold becomes replacement characters", "[ledger][encode]") {
  CHECK(jsonb_text(json(std::string{"a\0b", 3})) == "\"a\\ufffdb\"");
  CHECK(jsonb_text(json("\xff")) == "\"\xef\xbf\xbd\"");
}

TEST_CASE("a backslash before u0000 is not taken for NUL", "[ledger][encode]") {
  CHECK(jsonb_text(json("\\u0000")) == "\"\\\\u0000\"");
  CHECK(jsonb_text(json(std::string{"\\\0", 2})) == "\"\\\\\\ufffd\"");
}

TEST_CASE("numbers that JSON cannot say are unknown, and evidence stays comparable",
          "[ledger][encode]") {
  Decision decision;
  decision.e_value = std::numeric_limits<double>::infinity();
  decision.lower = -std::numeric_limits<double>::infinity();
  decision.effect = std::nan("");
  const auto encoded = encode(decision);
  CHECK(encoded["e_value"] == std::numeric_limits<double>::max());
  CHECK(encoded["lower"].is_null());
  CHECK(encoded["effect"].is_null());
  CHECK(encoded["evidence"] == json::object());
}

TEST_CASE("GPU time is whole microseconds and never negative", "[ledger][encode]") {
  OpenPair pair;
  pair.gpu_us_reserved = GENERATE(-5.0, 0.4, std::nan(""));
  CHECK(encode(pair)["gpu_us_reserved"] == 0);
  pair.gpu_us_reserved = 1.6;
  CHECK(encode(pair)["gpu_us_reserved"] == 2);
}

TEST_CASE("doubles come back to the last bit", "[ledger][encode]") {
  const double value = GENERATE(0.1, 1e-300, 123456789.123456789, 0.30000000000000004);
  CHECK(json::parse(jsonb_text(json(value))).get<double>() == value);
}

}  // namespace
}  // namespace amdahl::ledger
