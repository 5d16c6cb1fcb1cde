#include "amdahl/core/result.hpp"

#include <catch2/catch.hpp>

using namespace amdahl::core;

TEST_CASE("reading the value of an error that nobody checked throws with its message", "[core]") {
  const Result<int> result = invalid_input("job.toml:2:1: unknown key");
  REQUIRE(result.has_error());
  CHECK_THROWS_WITH(result.value(), "job.toml:2:1: unknown key");
}
