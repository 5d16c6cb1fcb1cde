#include <catch2/catch.hpp>

#include "amdahl/core/limits.hpp"
#include "support/snapshots.hpp"

using namespace amdahl;
using namespace amdahl::test;
using core::RunState;

namespace {

struct RunScene : ExperimentScene {
  const core::RunKey& key(std::size_t i = 0) const { return snapshot.live_runs[i].key; }

  core::RunResult result() {
    const auto& row = snapshot.experiments.front();
    const auto spec = core::make_run_spec(row.protocol, "EXP-7", 0, 1, 0, key());
    core::LegResult leg;
    leg.started = true;
    leg.exit_code = 0;
    leg.window_us = 1000;
    leg.units = 1;
    auto variant = leg;
    variant.arm = core::Arm::variant;
    return {key(), core::spec_sha(spec), {leg, variant}, "n1", {}, 100, 2'100, "", false, {}};
  }
};

}  // namespace

TEST_CASE("a planned run is submitted, and not while the cluster cannot be seen", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::planned);
  CHECK(scene.plan().submit.size() == 1);
  scene.cluster().listing.complete = false;
  CHECK(scene.plan().submit.empty());
}

TEST_CASE("after doubt about a submit only a find is allowed next", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::submitting);
  scene.snapshot.live_runs[0].armed_at_us = scene.snapshot.now_us;
  scene.cluster().caps.quiet_period = std::chrono::milliseconds{500};
  auto& found = scene.cluster().found[scene.key()];
  found.key = scene.key();

  SECTION("inconclusive: wait") {
    CHECK(scene.plan().submit.empty());
    CHECK_FALSE(scene.plan().waiting.empty());
  }
  SECTION("surely absent for the first time: noted, however long ago it was armed") {
    found.found = scheduler_adapters::Found::not_found_authoritative;
    scene.snapshot.live_runs[0].armed_at_us -= 60'000'000;
    const auto actions = scene.plan();
    CHECK(actions.submit.empty());
    REQUIRE(actions.record_runs.size() == 1);
    CHECK(actions.record_runs[0].misses == 1);
    CHECK(actions.record_runs[0].state == RunState::submitting);
  }
  SECTION("surely absent, but within the quiet period: wait") {
    found.found = scheduler_adapters::Found::not_found_authoritative;
    scene.snapshot.live_runs[0].absent_since_us = scene.snapshot.now_us - 499'999;
    CHECK(scene.plan().submit.empty());
    CHECK_FALSE(scene.plan().waiting.empty());
  }
  SECTION("surely absent and the quiet period passed: the same key again") {
    found.found = scheduler_adapters::Found::not_found_authoritative;
    scene.snapshot.live_runs[0].absent_since_us = scene.snapshot.now_us - 500'000;
    const auto actions = scene.plan();
    REQUIRE(actions.submit.size() == 1);
    CHECK(actions.submit[0].spec.key == scene.key());
  }
  SECTION("there: adopted, never submitted again") {
    found.found = scheduler_adapters::Found::found;
    found.runs = {seen(scene.snapshot, 1, RunState::queued)};
    const auto actions = scene.plan();
    CHECK(actions.submit.empty());
    REQUIRE(actions.adopt.size() == 1);
    CHECK(actions.adopt[0].native_id == "native");
  }
  SECTION("there, without an id yet: neither adopted nor submitted") {
    found.found = scheduler_adapters::Found::found;
    found.runs = {seen(scene.snapshot, 1, RunState::queued)};
    found.runs[0].ref.native_id.clear();
    const auto actions = scene.plan();
    CHECK(actions.submit.empty());
    CHECK(actions.adopt.empty());
    CHECK_FALSE(actions.waiting.empty());
  }
  SECTION("ended before anything had an id: its end is recorded") {
    found.found = scheduler_adapters::Found::found;
    found.runs = {seen(scene.snapshot, 1, RunState::ended)};
    found.runs[0].ref.native_id.clear();
    const auto actions = scene.plan();
    CHECK(actions.adopt.empty());
    REQUIRE(actions.record_runs.size() == 1);
    CHECK(actions.record_runs[0].state == RunState::ended);
  }
}

TEST_CASE("a recorded run that is still held is released", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::submitted);
  auto held = seen(scene.snapshot, 1, RunState::queued);
  held.held_by_us = true;
  scene.cluster().listing.runs = {held};
  CHECK(scene.plan().release.size() == 1);
}

TEST_CASE("of two submissions of one key the recorded one is the run, the other an orphan",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::submitted);
  auto recorded = seen(scene.snapshot, 1, RunState::running);
  recorded.claimed = true;
  scene.snapshot.live_runs[0].native_id = recorded.ref.native_id;
  auto namesake = seen(scene.snapshot, 1, RunState::queued);
  namesake.ref.native_id = "another";
  namesake.held_by_us = true;
  SECTION("by its id") {}
  SECTION("by its time, where the id was used again") {
    namesake.ref = {recorded.ref.native_id, recorded.ref.submitted_at_us + 1};
    scene.snapshot.live_runs[0].native_at_us = recorded.ref.submitted_at_us;
  }
  scene.cluster().listing.runs = {namesake, recorded};
  const auto actions = scene.plan();
  CHECK(actions.release.empty());
  REQUIRE(actions.cancel.size() == 1);
  CHECK(actions.cancel[0].ref == namesake.ref);
  CHECK(actions.cancel[0].mode == scheduler_adapters::CancelMode::only_if_held);
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].state == RunState::running);
}

TEST_CASE("a recorded run that is gone is missed although a namesake of it is found",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::submitted);
  scene.snapshot.live_runs[0].native_id = "native";
  auto& found = scene.cluster().found[scene.key()];
  found.key = scene.key();
  found.found = scheduler_adapters::Found::found;
  auto namesake = seen(scene.snapshot, 1, RunState::ended);
  namesake.ref.native_id = "another";
  found.runs = {namesake};
  CHECK(scene.plan().record_runs.empty());  // history may still know the recorded one
  found.whole = true;
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].misses == 1);
  scene.snapshot.live_runs[0].misses = scene.settings.misses_max - 1;
  CHECK(scene.plan().record_runs.at(0).outcome == core::RunOutcome::lost);
}

TEST_CASE("of several submissions that nobody recorded the oldest is adopted", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::submitting);
  auto older = seen(scene.snapshot, 1, RunState::queued), newer = older;
  older.ref = {"7", 100};
  newer.ref = {"6", 200};
  scene.cluster().listing.runs = {newer, older};
  const auto actions = scene.plan();
  REQUIRE(actions.adopt.size() == 1);
  CHECK(actions.adopt[0].native_id == "7");
  CHECK(actions.cancel.empty());  // which one it will be is recorded first
}

TEST_CASE("an end with both arms completes the pair and charges the whole allocation",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::ended)};
  scene.cluster().results.emplace(scene.key(), scene.result());
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].pair == core::PairState::complete);
  CHECK(actions.record_runs[0].legs.size() == 2);
  CHECK(actions.record_runs[0].gpu_us_charged == 4 * 2000);
}

TEST_CASE("a failed leg is evidence, not a lost run", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::ended)};
  auto result = scene.result();
  result.legs[1].exit_code = 1;
  scene.cluster().results.emplace(scene.key(), result);
  CHECK(scene.plan().record_runs.at(0).pair == core::PairState::complete);
}

TEST_CASE("a result of another specification is not believed", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::ended)};
  auto result = scene.result();
  result.spec_sha = "other";
  scene.cluster().results.emplace(scene.key(), result);
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].pair == core::PairState::void_);
  CHECK(actions.record_runs[0].legs.empty());
  CHECK(actions.record_runs[0].cause == core::CauseClass::infra);
}

TEST_CASE("a run that was suspended or requeued on the way is no measurement", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  auto ended = seen(scene.snapshot, 1, RunState::ended);
  ended.tainted = true;
  scene.cluster().listing.runs = {ended};
  scene.cluster().results.emplace(scene.key(), scene.result());
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].pair == core::PairState::void_);
  CHECK(actions.record_runs[0].void_reason == "infra: suspended or requeued on the way");
}

TEST_CASE("a foreign result is not believed when it says that it was stopped either",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.snapshot.live_runs[0].gpu_us_reserved = 77;
  scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::ended)};
  auto result = scene.result();
  result.spec_sha = "other";
  result.cancelled = true;
  scene.cluster().results.emplace(scene.key(), result);
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].cause == core::CauseClass::infra);
  CHECK(actions.record_runs[0].gpu_us_charged == 77);
}

TEST_CASE("a run that was stopped before it was allocated costs nothing", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::queued);
  scene.snapshot.live_runs[0].gpu_us_reserved = 77;
  scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::ended)};
  core::RunResult result;
  result.key = scene.key();
  result.cancelled = true;
  scene.cluster().results.emplace(scene.key(), result);
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].cause == core::CauseClass::operator_);
  CHECK(actions.record_runs[0].gpu_us_charged == 0);
}

TEST_CASE("a run that its scheduler stopped was not stopped by a person", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  auto stopped = seen(scene.snapshot, 1, RunState::ended);
  stopped.outcome = core::RunOutcome::preempted;
  stopped.cause = core::CauseClass::infra;
  stopped.reason = "PREEMPTED";
  stopped.claimed = true;
  scene.cluster().listing.runs = {stopped};
  auto result = scene.result();
  result.cancelled = true;
  scene.cluster().results.emplace(scene.key(), result);
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].outcome == core::RunOutcome::preempted);
  CHECK(actions.record_runs[0].cause == core::CauseClass::infra);
  CHECK(actions.record_runs[0].pair == core::PairState::void_);
  CHECK(actions.record_runs[0].void_reason == "infra: PREEMPTED");
}

TEST_CASE("a run whose times are unknown costs what was set aside for it", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.snapshot.live_runs[0].gpu_us_reserved = 77;
  SECTION("lost after it began") {
    auto lost = seen(scene.snapshot, 1, RunState::ended);
    lost.outcome = core::RunOutcome::lost;
    lost.claimed = true;
    lost.started_at_us = 100;
    scene.cluster().listing.runs = {lost};
    CHECK(scene.plan().record_runs.at(0).gpu_us_charged == 77);
  }
  SECTION("gone from the scheduler and its history") {
    scene.snapshot.live_runs[0].misses = 2;
    scene.cluster().found[scene.key()].found = scheduler_adapters::Found::not_found_authoritative;
    CHECK(scene.plan().record_runs.at(0).gpu_us_charged == 77);
  }
  SECTION("never begun: nothing") {
    auto lost = seen(scene.snapshot, 1, RunState::ended);
    lost.outcome = core::RunOutcome::lost;
    lost.cause = core::CauseClass::infra;
    scene.cluster().listing.runs = {lost};
    CHECK(scene.plan().record_runs.at(0).gpu_us_charged == 0);
  }
}

TEST_CASE("a production run that did not say its units has none, not zero", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  auto& run = scene.snapshot.live_runs[0];
  const auto& row = scene.snapshot.experiments.front();
  auto spec = core::make_run_spec(row.protocol, "production", 0, 1, 0, run.key);
  spec.legs.resize(1);
  run.production = spec;
  run.pair = {};
  run.experiment = {};
  auto ended = seen(scene.snapshot, 1, RunState::ended);
  ended.key = run.key;
  scene.cluster().listing.runs = {ended};
  auto result = scene.result();
  result.spec_sha = core::spec_sha(spec);
  result.legs.resize(1);
  result.legs[0].units.reset();
  scene.cluster().results.emplace(run.key, result);
  const auto actions = scene.plan();
  REQUIRE(actions.record_production.size() == 1);
  CHECK_FALSE(actions.record_production[0].units);
  CHECK(actions.record_production[0].state == "failed");
  CHECK_FALSE(actions.record_production[0].champion);
}

TEST_CASE("a lost run voids its pair if a leg may have started, else the pair gets another attempt",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  auto lost = seen(scene.snapshot, 1, RunState::ended);
  lost.outcome = core::RunOutcome::lost;
  lost.cause = core::CauseClass::infra;
  lost.claimed = GENERATE(true, false);
  scene.cluster().listing.runs = {lost};
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].pair ==
        (lost.claimed ? core::PairState::void_ : core::PairState::open));
}

TEST_CASE("a run in which nothing began is not tried again for ever, nor when it was stopped",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  auto& run = scene.snapshot.live_runs[0];
  SECTION("after the last attempt") { run.attempt = core::limits::attempts_max; }
  SECTION("stopped by a person") { run.cancel_requested = true; }
  auto lost = seen(scene.snapshot, 1, RunState::ended);
  lost.outcome = core::RunOutcome::lost;
  lost.cause = core::CauseClass::infra;
  scene.cluster().listing.runs = {lost};
  const auto actions = scene.plan();
  REQUIRE(actions.record_runs.size() == 1);
  CHECK(actions.record_runs[0].pair == core::PairState::void_);
}

TEST_CASE("an open pair without a live run gets its next attempt under a new key", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.snapshot.live_runs.clear();
  const auto actions = scene.plan();
  REQUIRE(actions.retry_runs.size() == 1);
  CHECK(actions.retry_runs[0].run_key.text.ends_with("-2"));
}

TEST_CASE("absence counts only when it is certain, and then only after several looks",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  CHECK(scene.plan().record_runs.empty());
  auto& found = scene.cluster().found[scene.key()];
  found.found = scheduler_adapters::Found::not_found_authoritative;
  const auto first = scene.plan();
  REQUIRE(first.record_runs.size() == 1);
  CHECK(first.record_runs[0].misses == 1);
  CHECK(first.record_runs[0].state == RunState::running);
  scene.snapshot.live_runs[0].misses = 2;
  const auto third = scene.plan();
  REQUIRE(third.record_runs.size() == 1);
  CHECK(third.record_runs[0].outcome == core::RunOutcome::lost);
  CHECK(third.record_runs[0].pair == core::PairState::void_);
}

TEST_CASE("a run that knows a later head than the ledger stops everything", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::planned);
  scene.snapshot.head.fence = 3;
  scene.snapshot.head.head_seq = 100;
  scheduler_adapters::Observation other;
  other.key = core::make_run_key({9}, 1);
  other.state = RunState::running;
  other.witness = {"term", 3, 100, "00"};
  SECTION("not later: nothing unusual") {
    scene.cluster().listing.runs = {other};
    CHECK(scene.plan().submit.size() == 1);
  }
  SECTION("a later event") { other.witness.head_seq = 101; }
  SECTION("a later fence") { other.witness.fence = 4; }
  SECTION("an event that the ledger does not have, though it went on since") {
    scene.view.strangers.insert(other.key);
  }
  if (other.witness.head_seq == 100 && other.witness.fence == 3 && scene.view.strangers.empty())
    return;
  scene.cluster().listing.runs = {other};
  const auto actions = scene.plan();
  CHECK(actions.empty());
  REQUIRE(actions.waiting.size() == 1);
  CHECK(actions.waiting[0].starts_with("the ledger was rewound"));
  CHECK(actions.rewound);
  CHECK(actions.work_remains);
}

TEST_CASE("an incomplete listing says nothing about what it lacks", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  scene.cluster().listing.complete = false;
  scene.cluster().found[scene.key()].found = scheduler_adapters::Found::not_found_authoritative;
  CHECK(scene.plan().record_runs.empty());
}

TEST_CASE("orphans are cancelled only while held, and what ended is tidied away", "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, RunState::running);
  auto orphan = seen(scene.snapshot, 1, RunState::queued);
  scene.snapshot.live_runs.clear();
  scene.snapshot.experiments.clear();
  SECTION("held") {
    orphan.held_by_us = true;
    scene.cluster().listing.runs = {orphan};
    REQUIRE(scene.plan().cancel.size() == 1);
    CHECK(scene.plan().cancel[0].mode == scheduler_adapters::CancelMode::only_if_held);
  }
  SECTION("running") {
    orphan.state = RunState::running;
    scene.cluster().listing.runs = {orphan};
    CHECK(scene.plan().cancel.empty());
  }
  SECTION("ended") {
    orphan.state = RunState::ended;
    scene.cluster().listing.runs = {orphan};
    CHECK(scene.plan().acknowledge.size() == 1);
  }
}

TEST_CASE("a run that was asked to stop is stopped, and its pair is void by the operator",
          "[loop][runs]") {
  RunScene scene;
  add_live_pair(scene.snapshot, 1, GENERATE(RunState::planned, RunState::running));
  scene.snapshot.live_runs[0].cancel_requested = true;
  const bool planned = scene.snapshot.live_runs[0].state == RunState::planned;
  if (!planned) scene.cluster().listing.runs = {seen(scene.snapshot, 1, RunState::running)};
  const auto actions = scene.plan();
  CHECK(actions.submit.empty());
  if (planned) {
    REQUIRE(actions.record_runs.size() == 1);
    CHECK(actions.record_runs[0].void_reason.starts_with("operator"));
  } else {
    REQUIRE(actions.cancel.size() == 1);
    CHECK(actions.cancel[0].mode == scheduler_adapters::CancelMode::stop);
  }
}
