#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "amdahl/stats/judge.hpp"
#include "unit/stats/trial.hpp"
#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using namespace amdahl::core;

namespace {

Trial winner() {
  Trial trial;
  trial.nominated().check(1, clear_gain).check(2, clear_gain).check(3, clear_gain);
  return trial;
}

Trial winner_with_quality(double before, double after) {
  Trial trial = winner();
  trial.evidence.protocol.job.has_quality = true;
  trial.evidence.protocol.quality_margin = 0.005;
  for (auto& pair : trial.evidence.pairs) {
    pair.baseline.quality = before;
    pair.variant.quality = after;
  }
  return trial;
}

Gate gate(const Trial& trial, std::string_view name) {
  const auto gates = trial.assessed().standing.gates;
  const auto found = std::find_if(gates.begin(), gates.end(),
                                  [name](const Gate& candidate) { return candidate.name == name; });
  REQUIRE(found != gates.end());
  return *found;
}

void check_refuted(const Trial& trial, const std::string& reason) {
  const auto assessment = trial.assessed();
  REQUIRE(assessment.verdict.has_value());
  CHECK(assessment.verdict->outcome == VerdictOutcome::refuted);
  CHECK_THAT(assessment.verdict->reason, Catch::Contains(reason));
}

void check_held(const Trial& trial, const std::string& reason) {
  const auto assessment = trial.assessed();
  CHECK_FALSE(assessment.verdict.has_value());
  CHECK(assessment.pairs.empty());
  REQUIRE(assessment.hold.has_value());
  CHECK_THAT(*assessment.hold, Catch::Contains(reason));
}

bool wins(const Trial& trial) {
  const auto assessment = trial.assessed();
  return assessment.verdict && assessment.verdict->outcome == VerdictOutcome::win;
}

}  // namespace

TEST_CASE("seven gates are read before a win", "[stats][judge][gates]") {
  const auto trial = winner();
  REQUIRE(wins(trial));
  for (const char* name : {"same_work", "total_cost", "failures", "assignment", "leave_one_out"}) {
    CAPTURE(name);
    CHECK(gate(trial, name).outcome == GateOutcome::pass);
  }
  CHECK(gate(trial, "quality").outcome == GateOutcome::not_applicable);
  CHECK(gate(trial, "clocks").outcome == GateOutcome::not_applicable);
}

TEST_CASE("unequal work is refuted as soon as it is seen", "[stats][judge][gates]") {
  Trial trial;
  trial.pair(clear_gain).variant.units = 99.0;
  check_refuted(trial, "veto of same_work: pair 1: the variant did 99 units, the baseline 100");
}

TEST_CASE("other samples are refuted", "[stats][judge][gates]") {
  Trial trial;
  auto& pair = trial.pair(clear_gain);
  pair.baseline.sample_digest = "a";
  pair.variant.sample_digest = "a";
  CHECK(gate(trial, "same_work").reason == "equal units and samples in 1 pairs");
  pair.variant.sample_digest = "b";
  check_refuted(trial, "pair 1: the arms worked on different samples");
}

TEST_CASE("a missing digest is tolerated, noted or held, as the job says",
          "[stats][judge][gates]") {
  auto trial = winner();
  CHECK(gate(trial, "same_work").reason == "equal units in 10 pairs, digest unknown in 10");
  trial.evidence.protocol.job.digest_required = true;
  check_held(trial, "same_work: pair 1: sample digests are unknown");
}

TEST_CASE("a digest from one arm alone holds", "[stats][judge][gates]") {
  Trial trial;
  trial.pair(clear_gain).baseline.sample_digest = "a";
  check_held(trial, "pair 1: only one arm has a sample digest");
}

TEST_CASE("unknown units hold at once, a veto further on still refutes", "[stats][judge][gates]") {
  Trial trial;
  trial.pair(clear_gain).variant.units.reset();
  trial.pair(clear_gain);
  check_held(trial, "pair 1: units of work are unknown");
  trial.evidence.pairs[0].variant.units = not_a_number;
  check_held(trial, "pair 1: units of work are unknown");
  trial.evidence.pairs[1].variant.units = 50.0;
  check_refuted(trial, "pair 2: the variant did 50 units");
}

TEST_CASE("a failed leg owes no units", "[stats][judge][gates]") {
  Trial trial;
  trial.pair(clear_gain);
  trial.crashed(Arm::variant);
  trial.crashed(Arm::baseline);
  CHECK(trial.assessed().pairs.size() == 1);
}

TEST_CASE("a leg without a measured cost holds", "[stats][judge][gates]") {
  Trial trial;
  trial.pair(clear_gain).variant.window_s = 0.0;
  check_held(trial, "pair 1: the variant's cost is unknown (0 s, 100 units)");
  trial.evidence.pairs[0].variant.window_s = not_a_number;
  CHECK(trial.assessed().hold.has_value());
  trial.evidence.pairs[0].variant.window_s = 3000.0;
  CHECK_FALSE(trial.assessed().hold.has_value());
}

TEST_CASE("a hold waits for pairs in flight", "[stats][judge][gates]") {
  Trial trial;
  trial.pair(clear_gain).variant.units.reset();
  trial.open();
  CHECK(waits(trial.assessed()));
}

TEST_CASE("a pair that ran against its coin spoils the experiment", "[stats][judge][gates]") {
  Trial trial = winner();
  auto& pair = trial.evidence.pairs[2];
  pair.ran_first = pair.coin == 1 ? Arm::baseline : Arm::variant;
  const auto verdict = trial.assessed().verdict.value();
  CHECK(verdict.outcome == VerdictOutcome::void_);
  CHECK_THAT(verdict.reason, Catch::Contains("veto of assignment: pair 3 ran"));
}

TEST_CASE("a pair missing from the register spoils the experiment", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.evidence.pairs.erase(trial.evidence.pairs.begin() + 5);
  CHECK(trial.assessed().verdict->outcome == VerdictOutcome::void_);
  trial = winner();
  trial.evidence.pairs[4].check_no = 7;
  CHECK_THAT(trial.assessed().verdict->reason, Catch::Contains("pair 5 belongs to no registered"));
}

TEST_CASE("an unknown order holds", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.evidence.pairs[2].ran_first.reset();
  check_held(trial, "assignment: the executed order of 1 of 10 pairs is unknown");
}

TEST_CASE("a job that claims to run longer than its leg is refuted", "[stats][judge][gates]") {
  Trial trial = winner();
  for (auto& pair : trial.evidence.pairs) pair.variant.inside_s = 100.0;
  CHECK(wins(trial));
  CHECK(gate(trial, "clocks").outcome == GateOutcome::pass);
  trial.evidence.pairs[0].variant.inside_s = 4000.0;
  check_refuted(trial, "veto of clocks: a job says 4000.000 s");
}

TEST_CASE("the clock of a failed leg is not compared, those of the others are",
          "[stats][judge][gates]") {
  Trial trial;
  trial.crashed(Arm::variant).variant.inside_s = 1e6;
  CHECK(gate(trial, "clocks").outcome == GateOutcome::not_applicable);
  trial.pair(clear_gain).variant.inside_s = 1e6;
  check_refuted(trial, "veto of clocks");
}

TEST_CASE("quality that is proven lets a win pass", "[stats][judge][gates]") {
  CHECK(wins(winner_with_quality(0.9, 0.9)));
  CHECK(wins(winner_with_quality(0.9, 0.896)));
}

TEST_CASE("quality that is not proven holds a win", "[stats][judge][gates]") {
  auto trial = winner_with_quality(0.9, 0.9);
  for (std::size_t i = 0; i < 10; ++i) {
    trial.evidence.pairs[i].variant.quality = i % 2 == 0 ? 0.88 : 0.93;
  }
  check_held(trial, "quality: unproven: loss -0.005");
}

TEST_CASE("quality that a run did not report holds a win", "[stats][judge][gates]") {
  auto trial = winner_with_quality(0.9, 0.9);
  trial.evidence.pairs[3].variant.quality.reset();
  trial.evidence.pairs[7].variant.quality = not_a_number;
  check_held(trial, "quality: quality is unknown in 2 pairs");
}

TEST_CASE("quality that is lost refutes at decision", "[stats][judge][gates]") {
  auto trial = winner_with_quality(0.9, 0.89);
  check_refuted(trial, "veto of quality: proven harm: loss 0.01");
  trial.evidence.pairs[3].variant.quality.reset();
  check_refuted(trial, "veto of quality");
  trial.evidence.protocol.job.higher_is_better = false;
  check_held(trial, "quality is unknown in 1 pairs");
}

TEST_CASE("a margin that is no margin holds", "[stats][judge][gates]") {
  auto trial = winner_with_quality(0.9, 0.9);
  trial.evidence.protocol.quality_margin = 0.0;
  check_held(trial, "quality: the quality margin is 0");
}

TEST_CASE("a variant cheaper in most pairs but not in all its hours is refuted",
          "[stats][judge][gates]") {
  Trial trial = winner();
  CHECK(gate(trial, "total_cost").outcome == GateOutcome::pass);
  // The same ratios, but one stalled run of 100 hours that failed.
  trial.crashed(Arm::variant, "time limit", 4).variant.window_s = 360'000.0;
  trial.pairs(1, clear_gain, 4).check(5, clear_gain);
  trial.evidence.extension_registered = true;
  trial.pairs(6, clear_gain, 6);
  check_refuted(trial, "veto of total_cost: ");
}

TEST_CASE("what a failed leg did counts as cost, not as work", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.evidence.wins_before = 1;
  auto& failed = trial.crashed(Arm::variant, "exit 1", 4);
  failed.variant.units = 1e9;
  trial.pairs(1, clear_gain, 4).check(5, clear_gain);
  REQUIRE(wins(trial));
  // 14 baselines of 4 h for 1,400 units; the variant 13·4·e^-.3 + 4 for 1,300.
  CHECK(gate(trial, "total_cost").reason ==
        "0.0327097 GPU-hours a unit against 0.04, failed runs included");
  CHECK_THAT(trial.assessed().verdict->reason, Catch::Contains("where the variant ran, 1 crashes"));
}

TEST_CASE("memory beyond the job's limit refutes, unmeasured memory holds",
          "[stats][judge][gates]") {
  Trial trial = winner();
  trial.evidence.protocol.job.limits["memory"] = 0.25;
  check_held(trial, "total_cost: memory was not measured");
  trial.evidence.pairs[0].baseline.peak_memory_bytes = 8e9;
  trial.evidence.pairs[1].baseline.peak_memory_bytes = 6e9;
  trial.evidence.pairs[0].variant.peak_memory_bytes = 10e9;
  CHECK(wins(trial));
  trial.evidence.pairs[5].variant.peak_memory_bytes = 10.1e9;
  check_refuted(trial, "veto of total_cost: memory 1.01e+10 against 8e+09");
}

TEST_CASE("a limit that nothing measures holds", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.evidence.protocol.job.limits["storage"] = 0.25;
  trial.evidence.pairs[0].baseline.peak_memory_bytes = 8e9;
  trial.evidence.pairs[0].variant.peak_memory_bytes = 8e9;
  check_held(trial, "total_cost: storage was not measured");
}

TEST_CASE("a win that one node set alone carries is refuted", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.check(4, 0.03).check(5, 0.03);
  for (std::size_t i = 10; i < 14; ++i) trial.evidence.pairs[i].nodes = {"n2", "n3"};
  check_refuted(trial, "veto of leave_one_out: without n1: E = ");
}

TEST_CASE("node sets are the same in any order", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.check(4, 0.03).check(5, 0.03);
  for (std::size_t i = 0; i < 14; ++i) {
    trial.evidence.pairs[i].nodes = {i % 2 == 0 ? "a" : "b", i % 2 == 0 ? "b" : "a"};
  }
  CHECK_THAT(gate(trial, "leave_one_out").reason,
             Catch::StartsWith("without the best pair of a,b"));
}

TEST_CASE("failures are read at decision too", "[stats][judge][gates]") {
  Trial trial = winner();
  trial.evidence.protocol.decide_at = 1e-9;
  trial.evidence.protocol.t = 0;
  trial.evidence.protocol.kind = ExperimentKind::reproof;
  trial.crashed(Arm::baseline, "exit 1", 4);
  for (int i = 0; i < 8; ++i) trial.crashed(Arm::variant, "exit 1", 5);
  // 8 of 19 against 1 of 19: p = .009.
  check_refuted(trial, "veto of ");
  CHECK(gate(trial, "failures").outcome == GateOutcome::veto);
}
