#include "amdahl/stats/conduct_gates.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using enum GateOutcome;

namespace {

std::vector<AssignmentRecord> orderly() {
  return {{1, true, true, PairFate::complete},
          {2, false, false, PairFate::complete},
          {3, true, std::nullopt, PairFate::voided},
          {4, false, false, PairFate::voided},
          {5, true, true, PairFate::complete}};
}

GateOutcome outcome(const std::vector<AssignmentRecord>& pairs) {
  return assignment(pairs).outcome;
}

GateOutcome clock(double leg, double inside) {
  const std::vector<LegClock> legs{{.leg = Seconds{leg}, .hello_to_bye = Seconds{inside}}};
  return clocks(legs).value().outcome;
}

}  // namespace

TEST_CASE("pairs that ran as their coins say and are all accounted for pass", "[stats][gates]") {
  CHECK(outcome(orderly()) == pass);
  CHECK(outcome({}) == hold);
}

TEST_CASE("a pair that ran against its coin is vetoed, also when voided", "[stats][gates]") {
  auto pairs = orderly();
  pairs[1].executed_variant_first = true;
  CHECK(outcome(pairs) == veto);
  CHECK(assignment(pairs).reason == "pair 2 ran variant first, its coin says baseline first");
  pairs = orderly();
  pairs[3].executed_variant_first = true;
  CHECK(outcome(pairs) == veto);
}

TEST_CASE("a vanished, repeated or missing pair is vetoed", "[stats][gates]") {
  auto pairs = orderly();
  pairs[4].fate = PairFate::unaccounted;
  CHECK(outcome(pairs) == veto);
  pairs = orderly();
  pairs.erase(pairs.begin() + 2);
  CHECK(outcome(pairs) == veto);
  CHECK(assignment(pairs).reason == "pair 4 stands where pair 3 should");
  pairs = orderly();
  pairs.insert(pairs.begin() + 1, pairs[0]);
  CHECK(outcome(pairs) == veto);
}

TEST_CASE("a complete pair of unknown order holds", "[stats][gates]") {
  auto pairs = orderly();
  pairs[0].executed_variant_first.reset();
  CHECK(outcome(pairs) == hold);
  // A breach further on still vetoes.
  pairs[4].executed_variant_first = false;
  CHECK(outcome(pairs) == veto);
}

TEST_CASE("a job may exceed its leg by one per cent or 50 ms, whichever is more",
          "[stats][gates]") {
  CHECK(clock(1.0, 1.049) == pass);
  CHECK(clock(1.0, 1.051) == veto);
  CHECK(clock(100.0, 100.99) == pass);
  CHECK(clock(100.0, 101.01) == veto);
  CHECK(clock(100.0, 60.0) == pass);  // the rest is start-up
  CHECK(clock(0.0, 0.0) == pass);
}

TEST_CASE("without events there is nothing to compare, with some they are compared",
          "[stats][gates]") {
  std::vector<LegClock> legs{{.leg = Seconds{5.0}, .hello_to_bye = std::nullopt}};
  CHECK(clocks({}).value().outcome == not_applicable);
  CHECK(clocks(legs).value().outcome == not_applicable);
  legs.push_back({.leg = Seconds{5.0}, .hello_to_bye = Seconds{4.9}});
  CHECK(clocks(legs).value().outcome == pass);
  legs.push_back({.leg = Seconds{5.0}, .hello_to_bye = Seconds{5.9}});
  const auto gate = clocks(legs).value();
  CHECK(gate.outcome == veto);
  CHECK(gate.reason == "a job says 5.900 s, its leg took 5.000 s");
}

TEST_CASE("clocks refuse unreal times", "[stats][gates]") {
  const double bad = GENERATE(as<double>{}, not_a_number, unbounded, -1.0);
  CAPTURE(bad);
  CHECK(clocks(std::vector<LegClock>{{Seconds{bad}, Seconds{1.0}}}).has_error());
  CHECK(clocks(std::vector<LegClock>{{Seconds{1.0}, Seconds{bad}}}).has_error());
}
