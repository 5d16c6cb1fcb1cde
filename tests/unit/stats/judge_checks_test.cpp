#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "amdahl/stats/judge.hpp"
#include "unit/stats/trial.hpp"
#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using namespace amdahl::core;

namespace {

constexpr double bad = -0.1;

}  // namespace

TEST_CASE("after nomination as many checks run as the majority needs", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  CHECK(needs(trial.assessed()) == Needs{{1, 2}, {2, 2}, {3, 2}});
  trial.open(1);
  trial.open(1);
  trial.open(2);
  CHECK(needs(trial.assessed()) == Needs{{2, 1}, {3, 2}});
}

TEST_CASE("a check that fails is followed by the next", "[stats][judge]") {
  Trial trial;
  trial.nominated().check(1, bad);
  const auto assessment = trial.assessed();
  CHECK(assessment.standing.checks[0].vote == Vote::refute);
  CHECK(assessment.standing.refutes == 1);
  CHECK(needs(assessment) == Needs{{2, 2}, {3, 2}, {4, 2}});
}

TEST_CASE("a check votes once all its pairs are complete", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  trial.pair(clear_gain, 1);
  auto check = trial.assessed().standing.checks[0];
  CHECK(check.planned == 2);
  CHECK(check.complete == 1);
  CHECK(check.mean.value() == nine_digits(clear_gain));
  CHECK_FALSE(check.vote.has_value());
  trial.pair(clear_gain, 1);
  CHECK(trial.assessed().standing.checks[0].vote == Vote::uphold);
  CHECK(trial.assessed().standing.upholds == 1);
}

TEST_CASE("votes are read against half and a quarter of the frozen claim", "[stats][judge]") {
  Trial trial;
  trial.nominated(0.1).check(1, 0.051).check(2, 0.049).check(3, 0.026).check(4, 0.024);
  const auto checks = trial.assessed().standing.checks;
  CHECK(checks[0].vote == Vote::uphold);
  CHECK(checks[1].vote == Vote::inconclusive);
  CHECK(checks[2].vote == Vote::inconclusive);
  CHECK(checks[3].vote == Vote::refute);
}

TEST_CASE("a crash of the variant refutes its check", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  trial.pair(clear_gain, 1);
  trial.crashed(Arm::variant, "exit 1", 1);
  const auto check = trial.assessed().standing.checks[0];
  CHECK(check.vote == Vote::refute);
  CHECK(check.mean.value() == crash);
}

TEST_CASE("a check whose baseline always failed is inconclusive", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  trial.crashed(Arm::baseline, "exit 1", 1);
  trial.crashed(Arm::baseline, "exit 1", 1);
  const auto check = trial.assessed().standing.checks[0];
  CHECK(check.vote == Vote::inconclusive);
  CHECK_FALSE(check.mean.has_value());
}

TEST_CASE("void pairs of a check are replaced", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  trial.pair(clear_gain, 1);
  trial.voided("node lost", 1);
  CHECK(needs(trial.assessed()) == Needs{{1, 1}, {2, 2}, {3, 2}});
}

TEST_CASE("a majority with the evidence wins", "[stats][judge]") {
  Trial trial;
  trial.nominated().check(1, clear_gain).check(2, bad).check(3, clear_gain).check(4, clear_gain);
  // 1.95^10·(two losing pairs) is short of 360: the last check runs first.
  CHECK(needs(trial.assessed()) == Needs{{5, 2}});

  Trial winner;
  winner.nominated().check(1, clear_gain).check(2, clear_gain).check(3, clear_gain);
  const auto assessment = winner.assessed();
  CHECK(outcome(winner) == VerdictOutcome::win);
  CHECK(assessment.standing.e_value > assessment.standing.e_needed);
  CHECK(says(assessment, "3 of 5 checks uphold a claim of 9.52 %; E = 79"));
  CHECK(says(assessment, "mean saving 25.92 %"));
  CHECK(assessment.standing.gates.size() == 7);
}

TEST_CASE("a win reports the mean saving of its fresh pairs alone", "[stats][judge]") {
  Trial trial;
  trial.nominated().check(1, 0.2).check(2, 0.2).check(3, 0.2);
  CHECK(says(trial.assessed(), "; mean saving 18.13 %"));
}

TEST_CASE("the mean is that of fresh pairs once there are checks", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  CHECK(trial.assessed().standing.mean.value() == nine_digits(0.3));
  trial.check(1, 0.1);
  CHECK(trial.assessed().standing.mean.value() == nine_digits(0.1));
}

TEST_CASE("the interval is over all complete pairs", "[stats][judge]") {
  Trial trial;
  trial.nominated();
  CHECK(trial.assessed().standing.interval.lower == crash);  // four pairs bound nothing
  trial.check(1, clear_gain).check(2, clear_gain);
  const auto before = trial.assessed().standing.interval;
  CHECK(before.lower > 0.1);
  trial.open(3);
  trial.pair(clear_gain, 3);
  CHECK(trial.assessed().standing.interval.lower > before.lower);
}

TEST_CASE("three failed votes of five make a majority impossible", "[stats][judge]") {
  Trial trial;
  trial.nominated(0.1).check(1, bad).check(2, clear_gain);
  trial.check(3, 0.03);
  CHECK(needs(trial.assessed()) == Needs{{4, 2}, {5, 2}});
  trial.check(4, bad);
  CHECK(outcome(trial) == VerdictOutcome::refuted);
  CHECK(says(trial.assessed(),
             "only 1 of 5 checks uphold a claim of 9.52 %, 2 refute it: no majority is possible"));
}

TEST_CASE("the last vote counts before a majority is called impossible", "[stats][judge]") {
  Trial trial;
  trial.nominated(0.1).check(1, bad).check(2, bad).check(3, bad);
  trial.open(4);
  CHECK(waits(trial.assessed()));
}

TEST_CASE("a majority with short evidence runs the other checks, then one extension",
          "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.t = 100;  // 1/α = 8,279
  trial.nominated().check(1, clear_gain).check(2, clear_gain).check(3, clear_gain);
  CHECK(needs(trial.assessed()) == Needs{{4, 2}, {5, 2}});
  CHECK_FALSE(trial.assessed().register_extension);
  trial.check(4, clear_gain).check(5, 0.001);

  const auto short_of = trial.assessed();
  CHECK(short_of.register_extension);
  CHECK(short_of.pairs.empty());
  CHECK_FALSE(short_of.verdict.has_value());

  trial.evidence.extension_registered = true;
  const auto extended = trial.assessed();
  CHECK(needs(extended) == Needs{{6, 6}});
  CHECK(extended.standing.checks.size() == 6);
  CHECK(extended.standing.checks[5].kind == CheckKind::extension);
  CHECK_FALSE(extended.register_extension);

  trial.pairs(5, clear_gain, 6);
  CHECK(outcome(trial) == VerdictOutcome::win);
}

TEST_CASE("evidence short of the stream's level after the extension is provisional",
          "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.t = 100;
  trial.evidence.extension_registered = true;
  trial.nominated()
      .check(1, clear_gain)
      .check(2, clear_gain)
      .check(3, clear_gain)
      .check(4, clear_gain)
      .check(5, 0.001);
  trial.pairs(5, 0.001, 6);
  CHECK(needs(trial.assessed()) == Needs{{6, 1}});
  trial.pair(0.001, 6);
  const auto assessment = trial.assessed();
  CHECK(assessment.standing.e_value > 100.0);
  CHECK(assessment.standing.e_value < assessment.standing.e_needed);
  CHECK(outcome(trial) == VerdictOutcome::provisional);
}

TEST_CASE("evidence below a hundred after the extension is inconclusive", "[stats][judge]") {
  Trial trial;
  trial.evidence.extension_registered = true;
  trial.nominated(0.04).check(1, 0.021).check(2, 0.021).check(3, 0.021).check(4, bad).check(5, bad);
  trial.pairs(6, 0.001, 6);
  CHECK(outcome(trial) == VerdictOutcome::inconclusive);
  CHECK(says(trial.assessed(), "3 of 5 checks uphold a claim of 3.92 %, but E = "));
}

TEST_CASE("wins already declared lower what the evidence must reach", "[stats][judge]") {
  Trial trial;
  trial.evidence.protocol.t = 100;
  trial.evidence.wins_before = 9;
  CHECK(trial.assessed().standing.e_needed == nine_digits(827.86852293));
  trial.evidence.wins_before = 1'000'000;
  CHECK(trial.assessed().standing.e_needed == 100.0);
  trial.evidence.protocol.decide_at = 1000.0;
  CHECK(trial.assessed().standing.e_needed == 1000.0);
  trial.evidence.protocol.fdr_alpha = 0.001;
  trial.evidence.wins_before = 0;
  CHECK(trial.assessed().standing.e_needed == nine_digits(100 * 8278.6852293));
}

TEST_CASE("a win waits for pairs in flight, which may take it away", "[stats][judge]") {
  Trial trial;
  trial.nominated().check(1, clear_gain).check(2, clear_gain).check(3, clear_gain);
  trial.open(4);
  CHECK(waits(trial.assessed()));
  Trial::complete(trial.evidence.pairs.back(), -1.0);
  // E fell to 40: back to gathering.
  CHECK(needs(trial.assessed()) == Needs{{4, 1}, {5, 2}});
}

TEST_CASE("a short prefix does not open more checks while a pair holds it up", "[stats][judge]") {
  Trial trial;
  trial.pairs(4, clear_gain);
  trial.open(0);  // in flight at nomination
  trial.evidence.nomination = Nomination{.claim = 0.1, .pairs_per_check = 2, .last_index = 4};
  trial.check(1, clear_gain).check(2, clear_gain).check(3, clear_gain);
  CHECK(trial.assessed().standing.pairs_counted == 4);
  CHECK(waits(trial.assessed()));
  Trial::complete(trial.evidence.pairs[4], clear_gain);
  CHECK(outcome(trial) == VerdictOutcome::win);
}

TEST_CASE("an assessment is a pure function of the evidence", "[stats][judge]") {
  Trial trial;
  trial.nominated().check(1, clear_gain).check(2, bad).check(3, clear_gain);
  const auto first = trial.assessed();
  const auto second = assess(ExperimentEvidence{trial.evidence});
  CHECK(first.standing.e_value == second.standing.e_value);
  CHECK(needs(first) == needs(second));
}
