#include <catch2/catch.hpp>

#include "support/snapshots.hpp"

// Which run an observation and a result belong to, and what they are no evidence of.

using namespace amdahl;
using namespace amdahl::test;
using core::RunState;

TEST_CASE("a run is known by its key, whatever id its scheduler gives it", "[loop][runs]") {
  ExperimentScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.snapshot.live_runs[0].native_id = "native";
  auto stranger = seen(scene.snapshot, 1, RunState::ended);
  stranger.key = core::make_run_key({99}, 1);  // the scheduler used the id again
  stranger.outcome = core::RunOutcome::failed;
  SECTION("in the listing") { scene.cluster().listing.runs = {stranger}; }
  SECTION("before the run itself") {
    scene.cluster().listing.runs = {stranger, seen(scene.snapshot, 1, RunState::running)};
  }
  CHECK(scene.plan().record_runs.empty());
}

TEST_CASE("an end that lacks an arm is charged to neither", "[loop][runs]") {
  ExperimentScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  const auto& row = scene.snapshot.experiments.front();
  const auto& key = scene.snapshot.live_runs[0].key;
  const auto spec = core::make_run_spec(row.protocol, "EXP-7", 0, 1, 0, key);
  core::LegResult leg;
  leg.started = true;
  leg.exit_code = 0;
  leg.window_us = 1000;
  leg.units = 1;
  core::RunResult result;
  result.key = key;
  result.spec_sha = core::spec_sha(spec);
  result.legs = {leg};
  result.start_us = 100;
  result.end_us = 2'100;
  SECTION("only one leg ran") {}
  SECTION("the shim could not go on") {
    result.legs.push_back(leg);
    result.legs.back().arm = core::Arm::variant;
    result.problem = "the disk is full";
  }
  scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::ended)};
  scene.cluster().results.emplace(key, result);
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].pair == core::PairState::void_);
  CHECK(actions.record_runs[0].cause == core::CauseClass::infra);
}

TEST_CASE("a run is what its protocol froze, whatever the champion is by then", "[loop][runs]") {
  ExperimentScene scene;
  add_live_pair(scene.snapshot, 1, RunState::planned);
  const auto before = scene.plan();
  REQUIRE(before.submit.size() == 1);
  auto& champion = scene.snapshot.jobs[0].champion;
  champion = core::apply(champion, {{core::ChangeKind::arg, "workers", "2"}}).value();
  const auto after = scene.plan();
  REQUIRE(after.submit.size() == 1);
  CHECK(core::spec_sha(after.submit[0].spec) == core::spec_sha(before.submit[0].spec));
}
