#include "amdahl/stats/claim.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <span>

#include "amdahl/stats/estimate.hpp"
#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;

namespace {

Claim claim(double mean_d, int pairs, double sigma0) {
  return claim_of(
             {.mean_d = mean_d, .pairs = pairs, .sigma0 = sigma0, .theta_mei = -std::log(0.97)})
      .value();
}

}  // namespace

TEST_CASE("the claim of the first five pairs of data A is the floor", "[stats][claim][vector-16]") {
  const double centre = mean(std::span{data_a}.first(5)).value();
  const auto floor = claim(centre, 5, sigma0_a);
  CHECK(floor.theta_c == nine_digits(0.0304592074847));
  CHECK(floor.check_pairs == 4);
}

TEST_CASE("a claim above the floor is shrunk by n/(n+2)", "[stats][claim]") {
  CHECK(claim(0.12, 6, 0.04).theta_c == nine_digits(0.09));
  CHECK(claim(0.12, 1, 0.04).theta_c == nine_digits(0.04));
}

TEST_CASE("checks get two to four pairs, more for claims near the noise", "[stats][claim]") {
  CHECK(claim(0.14, 4, 0.04).check_pairs == 2);    // (0.04/0.0933)²·3 = 0.55
  CHECK(claim(0.075, 4, 0.045).check_pairs == 3);  // (0.045/0.05)²·3 = 2.43
  CHECK(claim(0.075, 4, 0.052).check_pairs == 4);  // 3.24
  CHECK(claim(0.075, 4, 1e200).check_pairs == 4);
  CHECK(claim(700.0, 4, 0.005).check_pairs == 2);
}

TEST_CASE("a discovery with a crash claims no more than the floor", "[stats][claim]") {
  CHECK(claim(crash, 9, 0.04).theta_c == nine_digits(0.0304592074847));
}

TEST_CASE("a claim refuses bad input", "[stats][claim]") {
  const Discovery good{.mean_d = 0.05, .pairs = 5, .sigma0 = 0.04, .theta_mei = 0.03};
  CHECK(claim_of(good).has_value());
  auto bad = good;
  bad.mean_d = not_a_number;
  CHECK(claim_of(bad).has_error());
  bad = good;
  bad.pairs = 0;
  CHECK(claim_of(bad).has_error());
  bad = good;
  bad.sigma0 = 0.0;
  CHECK(claim_of(bad).has_error());
  bad = good;
  bad.theta_mei = not_a_number;
  CHECK(claim_of(bad).has_error());
}
