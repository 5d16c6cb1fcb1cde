#include "amdahl/stats/quality_gate.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using enum GateOutcome;

namespace {

const std::vector<double> noisy{.004, -.002, .003, .001, -.001, .002};

GateOutcome at_nomination(const std::vector<double>& delta, double margin) {
  return quality_at_nomination({.delta = delta, .margin = margin}).value().outcome;
}

GateOutcome at_decision(const std::vector<double>& delta, double margin) {
  return quality_at_decision({.delta = delta, .margin = margin}).value().outcome;
}

}  // namespace

TEST_CASE("mean and upper bound of a quality difference", "[stats][gates][vector-21]") {
  const auto bounds = mean_bounds(noisy).value();
  CHECK(bounds.mean == nine_digits(0.00116666666667));
  CHECK(bounds.upper == nine_digits(0.00307240013733));
  CHECK(bounds.lower == nine_digits(2 * 0.00116666666667 - 0.00307240013733));
}

TEST_CASE("at decision quality passes when proven, holds when not, dies of proven harm",
          "[stats][gates]") {
  CHECK(at_decision(noisy, 0.0031) == pass);
  CHECK(at_decision(noisy, 0.0030) == hold);
  CHECK(at_decision({.02, .021, .019, .02}, 0.005) == veto);
}

TEST_CASE("fewer than four pairs prove no quality, but can prove harm", "[stats][gates]") {
  CHECK(at_decision({}, 0.01) == hold);
  CHECK(at_decision({0.5}, 0.01) == hold);
  CHECK(at_decision({0.0, 0.0, 0.0}, 0.01) == hold);
  CHECK(at_decision({0.0, 0.0, 0.0, 0.0}, 0.01) == pass);
  CHECK(at_decision({0.5, 0.5}, 0.01) == veto);
}

TEST_CASE("a nomination falls only to proven harm", "[stats][gates]") {
  CHECK(at_nomination(noisy, 0.001) == pass);  // worse than the margin on average, unproven
  CHECK(at_nomination({}, 0.001) == pass);
  CHECK(at_nomination({9.0}, 0.001) == pass);
  CHECK(at_nomination({.02, .021, .019, .02}, 0.005) == veto);
}

TEST_CASE("a deterministic metric is compared exactly", "[stats][gates]") {
  const std::vector<double> at_margin(5, 0.1);
  CHECK(at_nomination(at_margin, 0.1) == veto);
  CHECK(at_decision(at_margin, 0.1) == veto);
  CHECK(at_nomination(at_margin, 0.1000001) == pass);
  CHECK(at_decision(at_margin, 0.1000001) == pass);
}

TEST_CASE("the reason names the numbers that decided", "[stats][gates]") {
  const auto gate = quality_at_decision({.delta = noisy, .margin = 0.0031}).value();
  CHECK(gate.name == "quality");
  CHECK(gate.reason ==
        "not worse: loss 0.00116667, 95 % bounds -0.000739067 and 0.0030724, margin 0.0031, "
        "6 pairs");
}

TEST_CASE("quality refuses what is not a number and a margin that is not positive",
          "[stats][gates]") {
  const std::vector<double> bad{0.1, GENERATE(as<double>{}, not_a_number, unbounded, crash)};
  CHECK(quality_at_nomination({.delta = bad, .margin = 0.1}).has_error());
  CHECK(quality_at_decision({.delta = bad, .margin = 0.1}).has_error());
  CHECK(quality_at_nomination({.delta = noisy, .margin = 0.0}).has_error());
  CHECK(quality_at_decision({.delta = noisy, .margin = not_a_number}).has_error());
}

TEST_CASE("differences too large to average hold", "[stats][gates]") {
  CHECK(at_decision({1e308, -1e308, 1e308, -1e308}, 0.1) == hold);
}
