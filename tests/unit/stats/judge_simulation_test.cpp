#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "amdahl/stats/judge.hpp"
#include "unit/stats/trial.hpp"

using namespace amdahl::stats;
using namespace amdahl::core;

namespace {

struct World {
  double theta = 0.0;
  double run_noise = 0.03;    ///< sd of the log of one run
  double infra_losses = 0.0;  ///< share of pairs lost to the cluster
  double variant_crashes = 0.0;
};

// Plays a whole experiment: opens what the judge asks for, finishes pairs in random order.
class Play {
 public:
  Play(World world, unsigned seed) : world_{world}, random_{seed} {}

  VerdictDraft run() {
    for (int step = 0; step < 500; ++step) {
      const Assessment now = trial.assessed();
      if (now.verdict) return *now.verdict;
      REQUIRE_FALSE(now.hold.has_value());
      if (now.nominate) trial.evidence.nomination = now.nominate;
      if (now.register_extension) trial.evidence.extension_registered = true;
      for (const PairNeed& need : now.pairs) {
        for (int i = 0; i < need.count; ++i) trial.open(need.check_no);
      }
      finish_one();
    }
    FAIL("the experiment never ended");
    return {};
  }

  Trial trial;

 private:
  double draw() { return std::uniform_real_distribution<>{0.0, 1.0}(random_); }

  void finish_one() {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < trial.evidence.pairs.size(); ++i) {
      if (trial.evidence.pairs[i].state == PairState::open) open.push_back(i);
    }
    if (open.empty()) return;
    auto& pair =
        trial.evidence
            .pairs[open[std::uniform_int_distribution<std::size_t>{0, open.size() - 1}(random_)]];
    if (draw() < world_.infra_losses) {
      pair.state = PairState::void_;
      pair.void_reason = "node lost";
      return;
    }
    std::normal_distribution<> noise{0.0, world_.run_noise};
    Trial::complete(pair, world_.theta + noise(random_) - noise(random_));
    if (draw() < world_.variant_crashes) pair.variant.failed = true;
  }

  World world_;
  std::mt19937_64 random_;
};

int count(World world, int runs, VerdictOutcome outcome) {
  int found = 0;
  for (int seed = 0; seed < runs; ++seed) {
    Play play{world, static_cast<unsigned>(seed)};
    if (play.run().outcome == outcome) ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("a change that does nothing never wins in 300 experiments", "[stats][judge][sim]") {
  CHECK(count({.theta = 0.0}, 300, VerdictOutcome::win) == 0);
}

TEST_CASE("a saving of ten per cent wins, also on a cluster that loses pairs",
          "[stats][judge][sim]") {
  CHECK(count({.theta = 0.105}, 100, VerdictOutcome::win) >= 97);
  CHECK(count({.theta = 0.105, .infra_losses = 0.1}, 100, VerdictOutcome::win) >= 90);
}

TEST_CASE("a variant that crashes every other time never wins", "[stats][judge][sim]") {
  const World crashing{.theta = 0.3, .variant_crashes = 0.5};
  CHECK(count(crashing, 100, VerdictOutcome::win) == 0);
  CHECK(count(crashing, 100, VerdictOutcome::refuted) >= 85);  // the others are futile before
}

TEST_CASE("a verdict can be recomputed from its evidence alone", "[stats][judge][sim]") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    Play play{{.theta = 0.03 * (seed % 4), .infra_losses = 0.05, .variant_crashes = 0.02}, seed};
    const auto verdict = play.run();
    const auto again = play.trial.assessed();
    REQUIRE(again.verdict.has_value());
    CHECK(again.verdict->outcome == verdict.outcome);
    CHECK(again.verdict->reason == verdict.reason);
  }
}

TEST_CASE("every step of an experiment says exactly one thing", "[stats][judge][sim]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Play play{{.theta = 0.05, .infra_losses = 0.1, .variant_crashes = 0.05}, seed};
    play.run();
    // Replay the history pair by pair, as if each had been the last one known.
    ExperimentEvidence past = play.trial.evidence;
    while (!past.pairs.empty()) {
      past.pairs.pop_back();
      const auto now = assess(past);
      const int said = (now.nominate ? 1 : 0) + (now.register_extension ? 1 : 0) +
                       (now.hold ? 1 : 0) + (now.verdict ? 1 : 0) + (now.pairs.empty() ? 0 : 1);
      CHECK(said == 1);
    }
  }
}
