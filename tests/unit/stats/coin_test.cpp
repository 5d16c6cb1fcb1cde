#include "amdahl/stats/coin.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace amdahl::stats;

TEST_CASE("coins of a known salt", "[stats][coin][vector-26]") {
  const CoinSource source{.id = "exp-42", .salt = "9f86d081884c7d65"};
  std::vector<int> coins;
  for (int i = 1; i <= 12; ++i) coins.push_back(variant_first(source, i) ? 1 : 0);
  CHECK(coins == std::vector{0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1});
}

TEST_CASE("another salt or another experiment has other coins", "[stats][coin]") {
  const auto coins = [](CoinSource source) {
    std::vector<bool> flips;
    for (int i = 1; i <= 64; ++i) flips.push_back(variant_first(source, i));
    return flips;
  };
  CHECK(coins({"exp-42", "a"}) != coins({"exp-42", "b"}));
  CHECK(coins({"exp-42", "a"}) != coins({"exp-43", "a"}));
}
