#include "observed.hpp"

#include <catch2/catch.hpp>

using namespace amdahl;
using core::RunOutcome;
using core::RunState;
using scheduler_adapters::Found;
using scheduler_adapters::Observation;

namespace {

struct RunAsTold {
  ledger::RunRow run;
  loop::ClusterView cluster;
  Observation told;

  RunAsTold() {
    run.key = core::make_run_key({}, 1);
    run.state = RunState::running;
    run.native_id = "17";
    run.native_at_us = 1'000'000;
    told.key = run.key;
    told.ref = {"17", 1'000'000};
    told.state = RunState::ended;
    told.outcome = RunOutcome::node_failed;
    found().found = Found::not_found_authoritative;
    found().forgotten = true;
  }
  scheduler_adapters::FindResult& found() { return cluster.found[run.key]; }
  const Observation* after_it_was_told() {
    loop::end_as_told(cluster, run, told);
    return loop::observed(cluster, run);
  }
};

}  // namespace

TEST_CASE("a run that its scheduler has forgotten ends as a webhook told", "[loop][observed]") {
  RunAsTold stand;
  SECTION("where nothing of it was found") {}
  SECTION("where all that was found is that it is lost") {
    Observation lost;
    lost.key = stand.run.key;
    lost.ref = stand.told.ref;
    lost.state = RunState::ended;
    lost.outcome = RunOutcome::lost;
    stand.found().found = Found::found;
    stand.found().runs = {lost};
  }
  const auto* seen = stand.after_it_was_told();
  REQUIRE(seen != nullptr);
  CHECK(seen->outcome == RunOutcome::node_failed);
}

TEST_CASE("what a webhook told ends no other run", "[loop][observed]") {
  RunAsTold stand;
  SECTION("of another id") { stand.told.ref.native_id = "18"; }
  SECTION("submitted at another time") { stand.told.ref.submitted_at_us = 2'000'000; }
  SECTION("that is not said when it was submitted") { stand.told.ref.submitted_at_us = 0; }
  SECTION("of which no time of submission is recorded") {
    stand.run.native_at_us = stand.told.ref.submitted_at_us = 0;
  }
  SECTION("of another key") { stand.told.key = core::make_run_key({}, 2); }
  SECTION("that has not ended") {
    stand.told.state = RunState::running;
    stand.told.outcome.reset();
  }
  SECTION("that the scheduler still shows, or cannot be asked about") {
    stand.found().forgotten = false;
  }
  SECTION("that was not looked for") { stand.cluster.found.clear(); }
  CHECK(stand.after_it_was_told() == nullptr);
}

TEST_CASE("what history or the run directory know goes before what a webhook told",
          "[loop][observed]") {
  RunAsTold stand;
  auto known = stand.told;
  known.outcome = RunOutcome::succeeded;
  stand.found().found = Found::found;
  stand.found().runs = {known};
  CHECK(stand.after_it_was_told()->outcome == RunOutcome::succeeded);
}
