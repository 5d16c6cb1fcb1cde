#include "amdahl/core/canonical_json.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

using namespace amdahl::core;
using nlohmann::json;

TEST_CASE("numbers print as ECMAScript prints them (RFC 8785 appendix B)",
          "[core][canonical_json]") {
  const auto [value, text] =
      GENERATE(table<double, std::string>({{0.0, "0"},
                                           {-0.0, "0"},
                                           {5e-324, "5e-324"},
                                           {1.7976931348623157e308, "1.7976931348623157e+308"},
                                           {9007199254740992.0, "9007199254740992"},
                                           {295147905179352830000.0, "295147905179352830000"},
                                           {1e21, "1e+21"},
                                           {9.999999999999997e22, "9.999999999999997e+22"},
                                           {1e-6, "0.000001"},
                                           {1e-7, "1e-7"},
                                           {333333333.33333329, "333333333.3333333"},
                                           {-4.5, "-4.5"},
                                           {0.1, "0.1"},
                                           {100.0, "100"}}));
  CHECK(canonical_json(json(value)) == text);
}

TEST_CASE("what JSON cannot say becomes null", "[core][canonical_json]") {
  CHECK(canonical_json(json(std::numeric_limits<double>::quiet_NaN())) == "null");
  CHECK(canonical_json(json(std::numeric_limits<double>::infinity())) == "null");
}

TEST_CASE("keys are sorted by UTF-16 code units and white space is gone",
          "[core][canonical_json]") {
  const json value{{"b", 1},
                   {"a", json::array({true, nullptr, "x\n\x01"})},
                   {"\xF0\x9F\x98\x82", 3} /* U+1F602 */,
                   {"\xEF\xAC\xB3", 4} /* U+FB33 */};
  CHECK(canonical_json(value) ==
        "{\"a\":[true,null,\"x\\n\\u0001\"],\"b\":1,\"\xF0\x9F\x98\x82\":3,\"\xEF\xAC\xB3\":4}");
}

TEST_CASE("JSON from outside is refused when it hides or buries something",
          "[core][canonical_json]") {
  CHECK(parse_json(R"({"a":[1,2]})", "body").has_value());
  CHECK(parse_json(R"({"a":1,"a":2})", "body").error().message ==
        "body: key \"a\" stands twice in one object");
  CHECK(parse_json(R"({"a":{"b":1},"b":2})", "body").has_value());
  CHECK(parse_json(std::string(65, '[') + std::string(65, ']'), "body").has_error());
  CHECK(parse_json("{", "body").error().message == "body: not JSON at byte 2");
  CHECK(parse_json({"{}\0{", 4}, "body").error().message == "body: not JSON at byte 3");
  CHECK(parse_json("\"\xff\"", "body").has_error());
  CHECK(parse_json("[1e999]", "body").error().message == "body: a number is too large");
}
