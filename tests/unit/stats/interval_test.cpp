#include "amdahl/stats/interval.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "amdahl/stats/evidence.hpp"
#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;

namespace {

Interval interval(std::span<const double> d, double alpha, double sigma0 = sigma0_a) {
  return confidence_sequence(d, {.alpha = alpha, .sigma0 = sigma0}).value();
}

using Ends = std::pair<double, double>;

Ends ends(const std::vector<double>& d) {
  const auto at_95 = interval(d, 0.05);
  return {at_95.lower, at_95.upper};
}

}  // namespace

TEST_CASE("the 90 % sequence of data A and the 80 % one of its first five pairs",
          "[stats][interval][vector-9]") {
  const auto all = interval(data_a, 0.10);
  CHECK(all.level == 0.90);
  CHECK(all.lower == nine_digits(-0.00563733928911));
  CHECK(all.upper == nine_digits(0.0864208946397));
  const auto first_five = interval(std::span{data_a}.first(5), 0.20);
  CHECK(first_five.lower == nine_digits(-0.00428513746139));
  CHECK(first_five.upper == nine_digits(0.0762803284084));
}

TEST_CASE("an interval is unbounded until the pairs could have reached 2/alpha",
          "[stats][interval]") {
  CHECK(ends({}) == Ends{-unbounded, unbounded});
  CHECK(ends(std::vector<double>{0.1}) == Ends{-unbounded, unbounded});
  // 1.95^5 < 40 ≤ 1.95^6.
  CHECK(ends(std::vector<double>(5, 0.1)) == Ends{-unbounded, unbounded});
  CHECK(std::isfinite(interval(std::vector<double>(6, 0.1), 0.05).lower));
}

TEST_CASE("the ends of an interval are where E crosses 2/alpha", "[stats][interval]") {
  const std::vector<double> d{0.02, -0.01, 0.2, 0.05, 0.03, 0.07, crash, 0.1, 0.02, 0.01};
  const auto found = interval(d, 0.2);
  const auto e_at = [&](double theta0) {
    return e_value(d, {.sigma0 = sigma0_a, .theta0 = theta0}).value();
  };
  CHECK(e_at(found.lower) == Approx(10.0).epsilon(1e-9));
  CHECK(found.lower < found.upper);
}

TEST_CASE("a crash widens an interval downwards", "[stats][interval]") {
  std::vector<double> d(data_a.begin(), data_a.end());
  d.insert(d.end(), data_a.begin(), data_a.end());
  const auto before = interval(d, 0.10);
  d.push_back(crash);
  const auto after = interval(d, 0.10);
  CHECK(after.lower < before.lower);
  CHECK(after.upper < before.upper);
  CHECK(std::isfinite(after.lower));
}

TEST_CASE("a variant that only crashes has an upper end of minus infinity", "[stats][interval]") {
  CHECK(ends(std::vector<double>(5, crash)) == Ends{-unbounded, unbounded});
  CHECK(ends(std::vector<double>(6, crash)) == Ends{-unbounded, -unbounded});
  std::vector<double> d(12, crash);
  d.push_back(0.05);
  CHECK(ends(d) == Ends{-unbounded, -unbounded});
}

TEST_CASE("an interval of equal or huge log-ratios encloses them", "[stats][interval]") {
  const double centre = GENERATE(as<double>{}, 0.0, 0.05, -3.0, 1e9, -1e300);
  const auto found = interval(std::vector<double>(20, centre), 0.05);
  CAPTURE(centre, found.lower, found.upper);
  CHECK(found.lower <= centre);
  CHECK(found.upper >= centre);
  CHECK(std::isfinite(found.lower));
  CHECK(std::isfinite(found.upper));
}

TEST_CASE("an interval mirrors when the arms are swapped", "[stats][interval]") {
  auto swapped = data_a;
  for (double& d : swapped) d = -d;
  const auto found = interval(data_a, 0.10);
  const auto mirrored = interval(swapped, 0.10);
  CHECK(mirrored.lower == -found.upper);
  CHECK(mirrored.upper == -found.lower);
}

TEST_CASE("an interval refuses bad input", "[stats][interval]") {
  CHECK(confidence_sequence(std::vector<double>{not_a_number}, {.alpha = 0.05, .sigma0 = 0.04})
            .has_error());
  CHECK(confidence_sequence(data_a, {.alpha = 0.05, .sigma0 = 0.0}).has_error());
  CHECK(confidence_sequence(
            data_a, {.alpha = GENERATE(as<double>{}, 0.0, 1.0, -0.1, not_a_number), .sigma0 = 0.04})
            .has_error());
}
