#include <catch2/catch.hpp>
#include <string>

#include "amdahl/stats/judge.hpp"
#include "unit/stats/trial.hpp"

using namespace amdahl::stats;
using namespace amdahl::core;

TEST_CASE("three failed variants against no failed baseline refute, before futility",
          "[stats][judge]") {
  Trial trial;
  trial.crashed(Arm::variant, "exit 1");
  trial.crashed(Arm::variant, "time limit");
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.crashed(Arm::variant, "exit 1");
  CHECK(outcome(trial) == VerdictOutcome::refuted);
  CHECK(says(trial.assessed(),
             "the variant failed in 3 of 3 pairs (exit 1, time limit), the baseline in none"));
}

TEST_CASE("three failed variants beside a failed baseline are left to Fisher", "[stats][judge]") {
  Trial trial;
  trial.crashed(Arm::baseline);
  for (int i = 0; i < 3; ++i) trial.crashed(Arm::variant);
  // 3 of 4 against 1 of 4 is no evidence of a fault, but E is gone.
  CHECK(outcome(trial) == VerdictOutcome::no_effect);
  for (int i = 0; i < 3; ++i) trial.crashed(Arm::variant);
  // 6 of 7 against 1 of 7: p = .015.
  CHECK(outcome(trial) == VerdictOutcome::refuted);
  CHECK(says(trial.assessed(), "veto of failures: 6 of 7 failed against 1 of 7"));
}

TEST_CASE("a baseline that never finishes makes the experiment void", "[stats][judge]") {
  Trial trial;
  trial.crashed(Arm::baseline, "exit 3");
  trial.crashed(Arm::baseline, "exit 3");
  CHECK(trial.assessed().pairs.size() == 1);
  trial.crashed(Arm::baseline, "exit 3").variant.failed = true;
  CHECK(outcome(trial) == VerdictOutcome::void_);
  CHECK(says(trial.assessed(), "the baseline failed in all 3 pairs (exit 3)"));
}

TEST_CASE("too many void pairs spoil the evidence from sixteen on", "[stats][judge]") {
  Trial trial;
  trial.pairs(3, -0.2);
  for (int i = 0; i < 12; ++i) trial.voided("node lost");
  CHECK(outcome(trial) == VerdictOutcome::no_effect);  // 12 of 15 void, but fewer than 16
  trial.voided("node lost");
  CHECK(outcome(trial) == VerdictOutcome::void_);
  CHECK(says(trial.assessed(), "13 of 16 pairs are void"));
}

TEST_CASE("pairs stopped by a person are not counted among the void ones", "[stats][judge]") {
  Trial trial;
  trial.pairs(3, -0.2);
  for (int i = 0; i < 20; ++i) trial.voided("operator cancelled the job");
  CHECK(outcome(trial) == VerdictOutcome::no_effect);
}

TEST_CASE("an experiment whose pairs all get lost ends", "[stats][judge]") {
  Trial trial;
  int registered = 0;
  while (!trial.assessed().verdict && registered < 100) {
    trial.voided("node lost");
    ++registered;
  }
  CHECK(registered == 16);
  CHECK(outcome(trial) == VerdictOutcome::void_);
}

TEST_CASE("void pairs do not end an experiment that could still repair its share",
          "[stats][judge]") {
  Trial trial;
  for (int i = 0; i < 11; ++i) trial.pair(i % 2 == 0 ? 0.11 : -0.05);
  for (int i = 0; i < 5; ++i) trial.voided("node lost");
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});  // 5 of 16 is too many to decide on
}

TEST_CASE("pairs that discovery did not use cannot repair the share of void ones",
          "[stats][judge]") {
  Trial trial;
  trial.pairs(12, 0.3);
  trial.evidence.nomination = Nomination{.claim = 0.1, .pairs_per_check = 2, .last_index = 4};
  // Ten pairs of checks and six of the extension may come: 9 of 37 can still be repaired to.
  for (int i = 0; i < 9; ++i) trial.voided("node lost", 1);
  CHECK(needs(trial.assessed()) == Needs{{1, 2}, {2, 2}, {3, 2}});
  trial.voided("node lost", 1);
  CHECK(outcome(trial) == VerdictOutcome::void_);
}

TEST_CASE("a canary measures the noise and never wins", "[stats][judge][canary]") {
  Trial trial;
  trial.evidence.protocol.kind = ExperimentKind::canary;
  trial.evidence.protocol.t = 0;
  trial.evidence.protocol.checks.clear();
  CHECK(needs(trial.assessed()) == Needs{{0, 8}});
  CHECK(trial.assessed().standing.e_needed == 100.0);
  trial.pairs(7, 0.3);
  trial.open();
  CHECK(waits(trial.assessed()));
  Trial::complete(trial.evidence.pairs.back(), 0.3);
  CHECK(outcome(trial) == VerdictOutcome::no_effect);
  // 1.25·1.4826·0.3
  CHECK(says(trial.assessed(), "A/A: sigma0 is 0.555976 from 8 pairs (scale 0.444781)"));
}

TEST_CASE("a canary replaces failed pairs, up to as many as it needs", "[stats][judge][canary]") {
  Trial trial;
  trial.evidence.protocol.kind = ExperimentKind::canary;
  trial.evidence.protocol.checks.clear();
  trial.pairs(6, 0.01);
  trial.crashed(Arm::baseline);
  trial.crashed(Arm::variant);
  CHECK(needs(trial.assessed()) == Needs{{0, 2}});
  trial.pair(0.01);
  for (int i = 0; i < 6; ++i) {
    auto& both = trial.crashed(Arm::baseline);
    both.variant.failed = true;
  }
  CHECK(needs(trial.assessed()) == Needs{{0, 1}});
  trial.crashed(Arm::baseline);
  CHECK(outcome(trial) == VerdictOutcome::void_);
  CHECK(says(trial.assessed(), "only 7 of 16 A/A pairs finished"));
}

TEST_CASE("a canary is void where a trial would be refuted", "[stats][judge][canary]") {
  Trial trial;
  trial.evidence.protocol.kind = ExperimentKind::canary;
  trial.evidence.protocol.checks.clear();
  for (int i = 0; i < 3; ++i) trial.crashed(Arm::variant);
  CHECK(needs(trial.assessed()) == Needs{{0, 8}});
  trial.pair(0.01).variant.units = 90.0;
  CHECK(outcome(trial) == VerdictOutcome::void_);
}

TEST_CASE("a short canary keeps the fallback", "[stats][judge][canary]") {
  Trial trial;
  trial.evidence.protocol.kind = ExperimentKind::canary;
  trial.evidence.protocol.checks.clear();
  trial.evidence.protocol.canary_pairs = 3;
  trial.pairs(3, 0.01);
  CHECK(says(trial.assessed(), "A/A: 3 pairs are too few to measure sigma0, 0.042 stays"));
}
