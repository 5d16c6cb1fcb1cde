#include "amdahl/stats/fdr.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;

TEST_CASE("LORD weights", "[stats][fdr][vector-12]") {
  CHECK(lord_weight(1) == nine_digits(0.0535167709126));
  CHECK(lord_weight(2) == nine_digits(0.0116382057829));
  CHECK(lord_weight(10) == nine_digits(0.00389825190526));
  CHECK(lord_weight(100) == nine_digits(0.000415842545773));
}

TEST_CASE("mixed weights, with and without the even half", "[stats][fdr][vector-13]") {
  CHECK(fdr_weight(1) == nine_digits(0.0277583854563));
  CHECK(fdr_weight(2) == nine_digits(0.00681910289147));
  CHECK(fdr_weight(10) == nine_digits(0.00294912595263));
  CHECK(fdr_weight(100) == nine_digits(0.00120792127289));
  CHECK(fdr_weight(500) > 0.001);
  CHECK(fdr_weight(501) == nine_digits(3.95838749673e-05));
}

TEST_CASE("evidence that a win needs along the stream", "[stats][fdr][vector-14]") {
  CHECK(win_threshold({.t = 1, .wins = 0}) == nine_digits(360.251500064));
  CHECK(win_threshold({.t = 10, .wins = 2}) == nine_digits(1130.27838989));
  CHECK(win_threshold({.t = 100, .wins = 9}) == nine_digits(827.86852293));
  CHECK(win_threshold({.t = 400, .wins = 40}) == nine_digits(232.285630021));
}

TEST_CASE("a stream of eight results", "[stats][fdr][vector-15]") {
  const std::vector<double> stream{50, 400, 3000, 900, 120, 20000, 2500, 700};
  std::vector<bool> won;
  StreamPlace place{.t = 1, .wins = 0};
  for (const double e : stream) {
    won.push_back(e >= win_threshold(place));
    if (won.back()) ++place.wins;
    ++place.t;
  }
  CHECK(won == std::vector<bool>{false, false, true, false, false, true, true, false});
}

TEST_CASE("no number of wins lowers the threshold below 100", "[stats][fdr]") {
  CHECK(win_threshold({.t = 2, .wins = 100'000}) == 100.0);
  const FdrRule generous{.alpha = 0.5, .cap = 0.9};
  CHECK(win_threshold({.t = 1, .wins = 1000}, generous) == 100.0);
}

TEST_CASE("the weights of a stream never sum to more than one", "[stats][fdr]") {
  double sum = 0.0;
  for (std::int64_t t = 1; t <= 100'000; ++t) sum += fdr_weight(t);
  CHECK(sum <= 1.0);
  CHECK(sum > 0.7);  // the rest is a long tail
}
