#include <catch2/catch.hpp>

#include "support/snapshots.hpp"

using namespace amdahl;
using namespace amdahl::test;

namespace {

struct PairScene : ExperimentScene {
  PairScene() { snapshot.now_us = 100'000'000; }
  ledger::ExperimentRow& experiment() { return snapshot.experiments.front(); }

  /// A pair in which the variant costs `ratio` of the baseline.
  void complete(int check_no, double ratio) {
    ledger::PairRow pair;
    pair.index = static_cast<std::int64_t>(experiment().pairs.size()) + 1;
    pair.id = {100 + pair.index};
    pair.experiment = experiment().id;
    pair.check_no = check_no;
    pair.state = core::PairState::complete;
    pair.ran_first = core::Arm::baseline;
    pair.nodes = {"n1"};
    core::LegResult leg;
    leg.started = true;
    leg.exit_code = 0;
    leg.gpus = 1;
    leg.window_us = 1'000'000;
    leg.units = 100;
    leg.phase_seconds = {{"input", 0.5}};
    auto variant = leg;
    variant.phase_seconds = {{"input", 0.1}};
    variant.arm = core::Arm::variant;
    variant.window_us = static_cast<std::int64_t>(1e6 * ratio);
    pair.legs = {leg, variant};
    experiment().pairs.push_back(pair);
  }
  void nominate(double claim) {
    experiment().state = core::ExperimentState::refuting;
    experiment().nomination = ledger::NominationRow{
        claim, 2, static_cast<std::int64_t>(experiment().pairs.size()), snapshot.now_us};
  }
};

}  // namespace

TEST_CASE("a registered trial opens pairs of discovery", "[loop][experiments]") {
  PairScene scene;
  const auto actions = scene.plan();
  REQUIRE_FALSE(actions.open_pairs.empty());
  for (const auto& pair : actions.open_pairs) CHECK(pair.check_no == 0);
}

TEST_CASE("no verdict while a pair is open", "[loop][experiments]") {
  PairScene scene;
  for (int i = 0; i < 6; ++i) scene.complete(0, 1.0);  // futile
  REQUIRE(scene.plan().decide.size() == 1);
  add_live_pair(scene.snapshot, 7, core::RunState::running);
  scene.view.clusters["local"].listing.runs = {seen(scene.snapshot, 7, core::RunState::running)};
  CHECK(scene.plan().decide.empty());
}

TEST_CASE("strong evidence is nominated before any check is opened", "[loop][experiments]") {
  PairScene scene;
  for (int i = 0; i < 6; ++i) scene.complete(0, 0.5);
  const auto actions = scene.plan();
  REQUIRE(actions.advance.size() == 1);
  CHECK(actions.advance[0].nomination);
  CHECK(actions.open_pairs.empty());
}

TEST_CASE("a later replication begins only when its delay has passed", "[loop][experiments]") {
  PairScene scene;
  // Five kinds of doubt where only the last can still be asked: the others have voted 2 to 2.
  auto& checks = scene.experiment().protocol.checks;
  checks.back() = {core::CheckKind::later_replication, 1, 0, 1, false, 0, 3600};
  for (int i = 0; i < 6; ++i) scene.complete(0, 0.5);
  scene.nominate(0.6);
  for (int check_no = 1; check_no <= 4; ++check_no) {
    for (int i = 0; i < 2; ++i) scene.complete(check_no, check_no <= 2 ? 0.5 : 1.0);
  }

  const auto early = scene.plan();
  CHECK(early.open_pairs.empty());
  CHECK(early.work_remains);
  REQUIRE(early.waiting.size() == 1);
  CHECK(early.waiting[0] == "EXP-7: its later replication begins in 1h 00m");

  scene.snapshot.now_us += 3'600'000'000;
  const auto later = scene.plan();
  REQUIRE_FALSE(later.open_pairs.empty());
  for (const auto& pair : later.open_pairs) CHECK(pair.check_no == 5);
}

TEST_CASE("a hold is recorded once, opens nothing, and ends by itself as inconclusive",
          "[loop][experiments]") {
  PairScene scene;
  for (int i = 0; i < 4; ++i) scene.complete(0, 0.5);
  for (auto& leg : scene.experiment().pairs.back().legs) leg.units.reset();  // its cost is unknown
  const auto first = scene.plan();
  CHECK(first.open_pairs.empty());
  REQUIRE(first.advance.size() == 1);
  const auto reason = first.advance[0].hold.value_or("");
  CHECK(reason.find("pair 4") != std::string::npos);

  scene.experiment().hold_reason = reason;
  scene.experiment().hold_since_us = scene.snapshot.now_us;
  const auto held = scene.plan();
  CHECK(held.advance.empty());
  CHECK(held.decide.empty());
  CHECK(held.waiting == std::vector<std::string>{"EXP-7: hold: " + reason});

  scene.snapshot.now_us += std::chrono::microseconds{scene.settings.hold_deadline}.count();
  const auto over = scene.plan();
  REQUIRE(over.decide.size() == 1);
  CHECK(over.decide[0].outcome == core::VerdictOutcome::inconclusive);
  CHECK(over.decide[0].release_fingerprint);
}

TEST_CASE("wins are declared one at a time", "[loop][experiments]") {
  PairScene scene;
  for (int i = 0; i < 6; ++i) scene.complete(0, 0.5);
  scene.nominate(0.6);
  for (int check_no = 1; check_no <= 3; ++check_no) {
    for (int i = 0; i < 2; ++i) scene.complete(check_no, 0.5);
  }
  auto other = scene.experiment();
  other.id = {8};
  for (auto& pair : other.pairs) pair.experiment = other.id;
  scene.snapshot.experiments.push_back(other);
  const auto actions = scene.plan();
  REQUIRE(actions.decide.size() == 1);
  CHECK(actions.decide[0].outcome == core::VerdictOutcome::win);
  CHECK(actions.decide[0].experiment == core::ExperimentId{7});
  // The new champion's phases are the variant's alone: 0.1 of 0.5 s.
  CHECK(actions.decide[0].phase_share.value().at("input") == Approx(0.2));
}

TEST_CASE("a hold is lifted when what was missing has come", "[loop][experiments]") {
  PairScene scene;
  for (int i = 0; i < 2; ++i) scene.complete(0, 0.5);
  scene.experiment().hold_reason = "something was missing";
  scene.experiment().hold_since_us = scene.snapshot.now_us;
  const auto actions = scene.plan();
  REQUIRE(actions.advance.size() == 1);
  CHECK(actions.advance[0].hold == "");
  CHECK_FALSE(actions.open_pairs.empty());
}

TEST_CASE("an unproved trial of a champion that moved is given up, its noise is not",
          "[loop][experiments]") {
  PairScene scene;
  scene.snapshot.jobs.front().champion.args["workers"] = "1";
  SECTION("a trial in discovery") {
    const auto actions = scene.plan();
    REQUIRE(actions.abort.size() == 1);
    CHECK(actions.abort[0].first == scene.experiment().id);
    CHECK(actions.open_pairs.empty());
  }
  SECTION("an A/A experiment goes on") {
    scene.experiment().kind = core::ExperimentKind::canary;
    scene.experiment().protocol.kind = core::ExperimentKind::canary;
    const auto actions = scene.plan();
    CHECK(actions.abort.empty());
    CHECK_FALSE(actions.open_pairs.empty());
  }
}

TEST_CASE("a win on a champion that moved is a verdict, and no champion", "[loop][experiments]") {
  PairScene scene;
  for (int i = 0; i < 5; ++i) scene.complete(0, 0.5);
  scene.nominate(0.5);
  for (int check = 1; check <= 3; ++check) {
    scene.complete(check, 0.5);
    scene.complete(check, 0.5);
  }
  const auto stays = scene.plan();
  REQUIRE(stays.decide.size() == 1);
  CHECK(stays.decide[0].champion == scene.experiment().protocol.variant);
  scene.snapshot.jobs.front().champion.env["MOVED"] = "1";
  const auto moved = scene.plan();
  REQUIRE(moved.decide.size() == 1);
  CHECK(moved.decide[0].outcome == core::VerdictOutcome::win);
  CHECK_FALSE(moved.decide[0].champion);
}
