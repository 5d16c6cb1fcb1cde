#include "amdahl/stats/estimate.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using amdahl::core::ErrorCode;

TEST_CASE("the log-ratio of a pair is positive when the variant is cheaper", "[stats][vector-1]") {
  const std::array<PairCost, 6> costs{
      {{100, 95}, {103, 97.1}, {98.5, 99.1}, {101.2, 94.9}, {99.7, 95.9}, {104.4, 97}}};
  const std::array expected{0.0512932943876, 0.0589876129324, -0.0060728931579,
                            0.0642750512375, 0.0388596950784, 0.0735186969452};
  for (std::size_t i = 0; i < costs.size(); ++i) {
    CAPTURE(i);
    CHECK(log_ratio(costs[i]).value() == nine_digits(expected[i]));
  }
}

TEST_CASE("a log-ratio needs two finite positive costs", "[stats]") {
  const double bad = GENERATE(as<double>{}, 0.0, -1.0, not_a_number, unbounded);
  CAPTURE(bad);
  CHECK(log_ratio({.baseline = bad, .variant = 1.0}).error().code == ErrorCode::invalid_input);
  CHECK(log_ratio({.baseline = 1.0, .variant = bad}).error().code == ErrorCode::invalid_input);
}

TEST_CASE("no two finite costs look like a crash", "[stats]") {
  CHECK(log_ratio({.baseline = 1e-300, .variant = 1e300}).value() ==
        nine_digits(-600 * std::log(10.0)));
  CHECK(log_ratio({.baseline = 1e300, .variant = 1e-300}).value() ==
        nine_digits(600 * std::log(10.0)));
}

TEST_CASE("mean, saving and deviation of data A", "[stats][vector-2]") {
  CHECK(mean(data_a).value() == nine_digits(0.0468102429038));
  CHECK(saving(mean(data_a).value()) == nine_digits(0.0457315403772));
  CHECK(standard_deviation(data_a).value() == nine_digits(0.0284484953179));
}

TEST_CASE("the Hodges-Lehmann centre of data A", "[stats][vector-3]") {
  CHECK(hodges_lehmann(data_a).value() == nine_digits(0.0515673731579));
}

TEST_CASE("a crash makes the mean infinite but not the Hodges-Lehmann centre", "[stats]") {
  const std::vector<double> d{0.02, crash, 0.04, 0.06, 0.05};
  CHECK(mean(d).value() == crash);
  CHECK(saving(crash) == crash);
  // The 5 centres with the crash are −∞; the middle of 15 is the 8th: .035.
  CHECK(hodges_lehmann(d).value() == nine_digits(0.035));
}

TEST_CASE("one pair is its own centre and has no deviation", "[stats]") {
  const std::vector<double> d{0.07};
  CHECK(mean(d).value() == 0.07);
  CHECK(hodges_lehmann(d).value() == 0.07);
  CHECK(standard_deviation(d).error().code == ErrorCode::invalid_input);
}

TEST_CASE("an empty sample has no estimate", "[stats]") {
  CHECK(mean({}).has_error());
  CHECK(hodges_lehmann({}).has_error());
  CHECK(standard_deviation({}).has_error());
}

TEST_CASE("an estimate refuses NaN and plus infinity", "[stats]") {
  const std::vector<double> d{0.01, GENERATE(as<double>{}, not_a_number, unbounded), 0.02};
  CHECK(mean(d).error().message.find("log-ratio 2 of 3") != std::string::npos);
  CHECK(hodges_lehmann(d).has_error());
  CHECK(standard_deviation(d).has_error());
}

TEST_CASE("equal values deviate by exactly zero, huge ones without overflow", "[stats]") {
  CHECK(standard_deviation(std::vector<double>(7, 0.1)).value() == 0.0);
  CHECK(hodges_lehmann(std::vector<double>{1e308, 1.5e308}).value() == nine_digits(1.25e308));
  // 1e9 swamps sum-of-squares formulas; the spread is 1, 2, 3.
  CHECK(standard_deviation(std::vector<double>{1e9 + 1, 1e9 + 2, 1e9 + 3}).value() ==
        nine_digits(1.0));
}

TEST_CASE("a tiny effect keeps its digits as a saving", "[stats]") {
  CHECK(saving(1e-12) == nine_digits(1e-12));
}
