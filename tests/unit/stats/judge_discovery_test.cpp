#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "amdahl/stats/judge.hpp"
#include "unit/stats/trial.hpp"
#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using namespace amdahl::core;

TEST_CASE("a pair is scored by GPU-hours per unit", "[stats][judge]") {
  Trial trial;
  auto& pair = trial.pair(std::log(2.0));
  CHECK(score(pair).counts);
  CHECK(score(pair).d == nine_digits(std::log(2.0)));
  pair.variant.gpus = 2.0;
  CHECK(score(pair).d == nine_digits(std::log(4.0)));
  pair.variant.units = 50.0;
  CHECK(score(pair).d == nine_digits(std::log(2.0)));
}

TEST_CASE("a leg without GPUs is costed as one slot", "[stats][judge]") {
  Trial trial;
  auto& pair = trial.pair(0.0);
  pair.variant.gpus = 0.0;
  CHECK(score(pair).d == nine_digits(std::log(4.0)));
  pair.baseline.gpus = 0.0;
  CHECK(score(pair).d == 0.0);
}

TEST_CASE("a crashed variant scores minus infinity, a crashed baseline nothing", "[stats][judge]") {
  Trial trial;
  CHECK(score(trial.crashed(Arm::variant)).counts);
  CHECK(score(trial.crashed(Arm::variant)).d == crash);
  CHECK_FALSE(score(trial.crashed(Arm::baseline)).counts);
  auto& both = trial.crashed(Arm::baseline);
  both.variant.failed = true;
  CHECK_FALSE(score(both).counts);
  CHECK_FALSE(score(trial.open()).counts);
  CHECK_FALSE(score(trial.voided("node lost")).counts);
}

TEST_CASE("a fresh experiment asks for the fewest pairs that could nominate", "[stats][judge]") {
  Trial trial;
  const auto first = trial.assessed();
  CHECK(needs(first) == Needs{{0, 4}});
  CHECK(first.standing.e_value == 1.0);
  CHECK(first.standing.e_needed == nine_digits(360.251500064));
  CHECK_FALSE(first.standing.mean.has_value());
  CHECK_FALSE(first.standing.futility.has_value());
  CHECK(first.standing.checks.size() == 5);

  trial.open();
  trial.open();
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.open();
  trial.open();
  CHECK(waits(trial.assessed()));
}

TEST_CASE("beyond the first four pairs two are in flight at a time", "[stats][judge]") {
  Trial trial;
  trial.pairs(4, 0.04);
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.open();
  CHECK(needs(trial.assessed()) == Needs{{0, 1}});
  trial.open();
  CHECK(waits(trial.assessed()));
}

TEST_CASE("no nomination stands on fewer pairs than the protocol asks for", "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.nominate_at = 2.0;
  trial.pairs(3, 0.3);
  CHECK_FALSE(trial.assessed().nominate.has_value());
  trial.pair(0.3);
  CHECK(trial.assessed().nominate->last_index == 4);
}

TEST_CASE("the standing of data A", "[stats][judge]") {
  Trial trial;
  for (const double d : data_a) trial.pair(d);
  // Its first five pairs do not reach 10, its six do.
  const auto standing = trial.assessed().standing;
  CHECK(standing.pairs_complete == 6);
  CHECK(standing.pairs_counted == 6);
  CHECK(standing.e_value == nine_digits(15.4330164432));
  CHECK(standing.log_wealth[2] == nine_digits(2.9803523911));
  CHECK(standing.mean.value() == nine_digits(0.0468102429038));
  CHECK(standing.futility.value() == nine_digits(0.738654922309));
  CHECK(standing.interval.level == 0.95);
  CHECK(standing.interval.lower < 0.0);
  CHECK(standing.interval.upper > 0.09);
}

TEST_CASE("discovery nominates at the pair where E reaches ten", "[stats][judge]") {
  Trial trial;
  for (const double d : data_a) trial.pair(d);
  const auto nomination = trial.assessed().nominate.value();
  CHECK(nomination.last_index == 6);
  CHECK(nomination.claim == nine_digits(0.0468102429038 * 6 / 8));
  CHECK(nomination.pairs_per_check == 4);  // 3·(.04/.0351)² = 3.9
}

TEST_CASE("pairs in flight at nomination count for E but not for the claim", "[stats][judge]") {
  Trial trial;
  trial.pairs(4, 0.3).pairs(2, -0.2);
  const auto assessment = trial.assessed();
  CHECK(assessment.standing.e_value < 10.0);
  const auto nomination = assessment.nominate.value();
  CHECK(nomination.last_index == 4);
  CHECK(nomination.claim == nine_digits(0.2));
  CHECK(nomination.pairs_per_check == 2);
  trial.open();
  CHECK(trial.assessed().nominate.has_value());
}

TEST_CASE("E is read over the contiguous prefix of pairs", "[stats][judge]") {
  Trial trial;
  trial.pair(0.3);
  trial.open();
  trial.pairs(3, 0.3);
  auto assessment = trial.assessed();
  CHECK(assessment.standing.pairs_counted == 1);
  CHECK(assessment.standing.pairs_complete == 4);
  CHECK(assessment.standing.e_value < 2.0);
  CHECK_FALSE(assessment.nominate.has_value());
  // The slow one comes in.
  Trial::complete(trial.evidence.pairs[1], 0.3);
  CHECK(trial.assessed().nominate->last_index == 4);
}

TEST_CASE("void pairs are passed over and replaced", "[stats][judge]") {
  Trial trial;
  trial.pair(0.3);
  trial.voided("node lost");
  trial.pairs(3, 0.3);
  CHECK(trial.assessed().standing.pairs_void == 1);
  CHECK(trial.assessed().nominate->last_index == 5);

  Trial hopeful;
  hopeful.pair(0.05);
  for (int i = 0; i < 3; ++i) hopeful.voided("preempted");
  CHECK(needs(hopeful.assessed()) == Needs{{0, 3}});
}

TEST_CASE("a crash in discovery weighs on E, the claim is about pairs that finished",
          "[stats][judge]") {
  Trial trial;
  trial.crashed(Arm::variant);
  trial.pairs(8, 0.3);
  const auto nomination = trial.assessed().nominate.value();
  CHECK(nomination.last_index == 9);  // 0.05·1.95^8 = 10.5
  CHECK(nomination.claim == nine_digits(0.3 * 8 / 10));
}

TEST_CASE("futility ends discovery with no effect", "[stats][judge]") {
  Trial trial;
  trial.pair(0.01);
  trial.pair(-0.02);
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.pair(-0.15);
  CHECK(outcome(trial) == VerdictOutcome::no_effect);
  CHECK(says(trial.assessed(), "after 3 pairs an effect of at least 3.00 % has a probability of"));
}

TEST_CASE("a verdict waits for the pairs in flight and counts them", "[stats][judge]") {
  Trial trial;
  trial.pairs(3, -0.02);
  CHECK(outcome(trial) == VerdictOutcome::no_effect);
  trial.open();
  CHECK(waits(trial.assessed()));
  Trial::complete(trial.evidence.pairs[3], 0.4);
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});  // no longer futile
}

TEST_CASE("a large saving on a quiet machine is nominated, not futile", "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.sigma0 = 0.005;
  trial.pairs(3, std::log(2.0));
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.pair(std::log(2.0));
  CHECK(trial.assessed().nominate.has_value());
}

TEST_CASE("discovery that neither convinces nor disappoints ends at its cap", "[stats][judge]") {
  Trial trial;
  // Mean .03: too likely an effect to stop, too weak for evidence.
  for (int i = 0; i < 12; ++i) trial.pair(i % 2 == 0 ? 0.11 : -0.05);
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.open();
  CHECK(needs(trial.assessed()) == Needs{{0, 1}});
  Trial::complete(trial.evidence.pairs.back(), 0.11);
  trial.pair(-0.05);
  CHECK(needs(trial.assessed()) == Needs{{0, 1}});
  trial.open();
  CHECK(waits(trial.assessed()));
  Trial::complete(trial.evidence.pairs.back(), 0.03);
  CHECK(outcome(trial) == VerdictOutcome::inconclusive);
  CHECK(says(trial.assessed(), "after the 15 pairs that discovery may use"));
}

TEST_CASE("a pair with a failed baseline uses up its place and proves nothing", "[stats][judge]") {
  Trial trial;
  trial.crashed(Arm::baseline);
  trial.pairs(3, 0.3);
  const auto assessment = trial.assessed();
  CHECK(assessment.standing.e_value == nine_digits(std::pow(1.95, 3)).epsilon(1e-2));
  CHECK(needs(assessment) == Needs{{0, 2}});
  trial.evidence.protocol.pairs_max = 5;
  CHECK(needs(trial.assessed()) == Needs{{0, 1}});
}

TEST_CASE("proven harm to quality refutes at nomination, suspected harm does not",
          "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.job.has_quality = true;
  trial.evidence.protocol.job.higher_is_better = true;
  trial.evidence.protocol.quality_margin = 0.005;
  const auto with_quality = [&](double after) {
    auto& pair = trial.pair(0.3);
    pair.baseline.quality = 0.9;
    pair.variant.quality = after;
  };
  with_quality(0.95);
  with_quality(0.80);
  with_quality(0.91);
  with_quality(0.85);
  CHECK(trial.assessed().nominate.has_value());

  for (auto& pair : trial.evidence.pairs) pair.variant.quality = 0.88;
  CHECK(outcome(trial) == VerdictOutcome::refuted);
  CHECK(says(trial.assessed(), "veto of quality: proven harm: loss 0.02"));

  // The same numbers are a gain where less is better.
  trial.evidence.protocol.job.higher_is_better = false;
  CHECK(trial.assessed().nominate.has_value());
}

TEST_CASE("proven harm to quality refutes what is futile anyway", "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.job.has_quality = true;
  trial.evidence.protocol.quality_margin = 0.005;
  trial.pairs(3, -0.2);
  for (auto& pair : trial.evidence.pairs) {
    pair.baseline.quality = 0.9;
    pair.variant.quality = 0.5;
  }
  CHECK(outcome(trial) == VerdictOutcome::refuted);
}
