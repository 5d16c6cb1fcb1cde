#include "amdahl/stats/votes.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using amdahl::core::Vote;
using enum Vote;

namespace {

constexpr double theta_c = 0.0304592074847;

double survival(int voters, int needed, double p, double rho) {
  return majority_survival({.voters = voters,
                            .upholds_needed = needed,
                            .uphold_probability = p,
                            .correlation = rho})
      .value();
}

}  // namespace

TEST_CASE("five checks with these means uphold the claim three to two",
          "[stats][votes][vector-17]") {
  const std::vector<double> means{1.0 / 30, 1.0 / 300, 11.0 / 300, -1.0 / 300, 0.03};
  std::vector<Vote> votes;
  for (const double centre : means) votes.push_back(vote(centre, theta_c).value());
  CHECK(votes == std::vector{uphold, refute, uphold, refute, uphold});
  CHECK(tally(votes, 5) == Majority::upheld);
}

TEST_CASE("half the claim upholds, less than a quarter refutes", "[stats][votes]") {
  CHECK(vote(0.5, 1.0).value() == uphold);
  CHECK(vote(std::nextafter(0.5, 0.0), 1.0).value() == inconclusive);
  CHECK(vote(0.25, 1.0).value() == inconclusive);
  CHECK(vote(std::nextafter(0.25, 0.0), 1.0).value() == refute);
  CHECK(vote(crash, 1.0).value() == refute);
}

TEST_CASE("a vote refuses NaN and a claim that is not positive", "[stats][votes]") {
  CHECK(vote(not_a_number, 1.0).has_error());
  CHECK(vote(unbounded, 1.0).has_error());
  CHECK(vote(0.1, GENERATE(as<double>{}, 0.0, -1.0, not_a_number)).has_error());
}

TEST_CASE("a majority counts against registered checks", "[stats][votes]") {
  using V = std::vector<Vote>;
  CHECK(tally({}, 5) == Majority::open);
  CHECK(tally(V{uphold, uphold}, 5) == Majority::open);
  CHECK(tally(V{uphold, uphold, uphold}, 5) == Majority::upheld);
  CHECK(tally(V{uphold, uphold, uphold, refute, refute}, 5) == Majority::upheld);
  CHECK(tally(V{refute, inconclusive, uphold, uphold}, 5) == Majority::open);
  CHECK(tally(V{refute, inconclusive}, 5) == Majority::open);
  CHECK(tally(V{refute, inconclusive, inconclusive}, 5) == Majority::impossible);
  CHECK(tally(V{uphold, uphold, refute, refute, inconclusive}, 5) == Majority::impossible);
  // Half is not a strict majority.
  CHECK(tally(V{uphold, uphold, refute}, 4) == Majority::open);
  CHECK(tally(V{uphold, uphold, refute, refute}, 4) == Majority::impossible);
  CHECK(tally(V{uphold}, 1) == Majority::upheld);
}

TEST_CASE("majorities survive by the beta-binomial", "[stats][votes][vector-18]") {
  CHECK(survival(5, 3, 0.2, 0.0) == nine_digits(0.05792));
  CHECK(survival(5, 3, 0.2, 0.3) == nine_digits(0.150303287449));
  CHECK(survival(5, 3, 0.9, 0.0) == nine_digits(0.99144));
  CHECK(survival(5, 3, 0.9, 0.3) == nine_digits(0.936353933198));
  CHECK(survival(3, 2, 0.1, 0.5) == nine_digits(0.088));
}

TEST_CASE("perfectly correlated voters are one voter, certain ones no lottery", "[stats][votes]") {
  CHECK(survival(5, 3, 0.265, 1.0) == 0.265);
  CHECK(survival(5, 3, 0.0, 0.4) == 0.0);
  CHECK(survival(5, 3, 1.0, 0.4) == nine_digits(1.0));
  CHECK(survival(7, 4, 0.10, 0.1) == Approx(0.021).margin(5e-4));
}

TEST_CASE("a jury outside the ranges is refused", "[stats][votes]") {
  const Jury good{.voters = 5, .upholds_needed = 3, .uphold_probability = .2, .correlation = .3};
  auto bad = good;
  bad.uphold_probability = GENERATE(as<double>{}, -0.1, 1.1, not_a_number);
  CHECK(majority_survival(bad).has_error());
  bad = good;
  bad.correlation = not_a_number;
  CHECK(majority_survival(bad).has_error());
  bad = good;
  bad.upholds_needed = 6;
  CHECK(majority_survival(bad).has_error());
  bad.upholds_needed = 0;
  CHECK(majority_survival(bad).has_error());
}
