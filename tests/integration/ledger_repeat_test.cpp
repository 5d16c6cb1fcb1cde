// Repeats, races and lost connections: the cold read decides, so everything may be asked again.
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "amdahl/ledger/errors.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using core::RunState;

// Does it twice and tells how many events the second time added.
std::int64_t events_of_repeat(LedgerDriver& driver, const std::function<void()>& stage) {
  stage();
  const auto before = driver.head_seq();
  stage();
  return driver.head_seq() - before;
}

TEST_CASE("a repeated stage changes nothing and appends nothing", "[ledger][repeat]") {
  LedgerDriver driver;
  auto& ledger = *driver.ledger;
  const auto& lease = driver.lease;
  const auto job = driver.add_job();

  ledger::NewJob same;
  same.spec = example_job("eval");
  same.champion = core::baseline_configuration(same.spec);
  CHECK(events_of_repeat(driver, [&] { ledger.add_jobs(lease, one(same)); }) == 0);

  CHECK(events_of_repeat(driver, [&] { driver.propose(job, {workers(4)}); }) == 0);
  const auto hypothesis = driver.propose(job, {workers(4)});
  const auto registration = driver.registration(hypothesis, job, driver.trial(job, {workers(4)}));
  std::vector<core::ExperimentId> made;
  CHECK(events_of_repeat(driver, [&] {
          made.push_back(ledger.register_experiments(lease, one(registration)).at(0));
        }) == 0);
  CHECK(made.at(0) == made.at(1));
  CHECK(driver.snapshot().next_t == 2);

  const auto pair = driver.pair_for(made[0]);
  CHECK(events_of_repeat(driver, [&] { ledger.open_pairs(lease, one(pair)); }) == 0);
  const auto run = driver.snapshot().live_runs.at(0).id;
  const std::string sha(64, 'a');
  CHECK(events_of_repeat(driver, [&] { ledger.arm_submits(lease, one(run), one(sha)); }) == 0);

  ledger::RecordSubmit unclear{run, ledger::RecordSubmit::Kind::unknown, "", 0, "timed out"};
  CHECK(events_of_repeat(driver, [&] { ledger.record_submits(lease, one(unclear)); }) == 0);
  ledger::RecordSubmit accepted{run, ledger::RecordSubmit::Kind::accepted, "17", 1, ""};
  CHECK(events_of_repeat(driver, [&] { ledger.record_submits(lease, one(accepted)); }) == 0);
  CHECK(events_of_repeat(driver, [&] { ledger.request_cancel(lease, one(run)); }) == 0);

  ledger::RecordRun moved;
  moved.run = run;
  moved.state = RunState::running;
  moved.released = true;
  moved.misses = 2;
  CHECK(events_of_repeat(driver, [&] { ledger.record_runs(lease, one(moved)); }) == 0);
  CHECK(driver.snapshot().live_runs.at(0).misses == 2);
  CHECK(events_of_repeat(driver, [&] { driver.finish_run(run); }) == 0);
  CHECK(driver.snapshot().gpu_us_charged_today == 8e6);

  ledger::Advance step;
  step.experiment = made[0];
  step.nomination = ledger::NominationRow{0.6, 1, 1};
  step.register_extension = true;
  step.hold = "quality is unproven";
  CHECK(events_of_repeat(driver, [&] { ledger.advance(lease, one(step)); }) == 0);

  ledger::Decision decision;
  decision.experiment = made[0];
  decision.outcome = core::VerdictOutcome::inconclusive;
  decision.reason = "the hold ran out";
  decision.release_fingerprint = true;
  CHECK(events_of_repeat(driver, [&] { ledger.decide(lease, one(decision)); }) == 0);

  CHECK(events_of_repeat(driver, [&] { ledger.set_paused(lease, true, "night"); }) == 0);
  ledger.put_command("k1", "pause", {{"reason", "night"}});
  ledger.put_command("k1", "resume", {});
  CHECK(driver.snapshot().commands.size() == 1);
  CHECK(driver.snapshot().commands.at(0).verb == "pause");
  CHECK_FALSE(ledger.command_answer("k1"));
  const ledger::CommandDone done{"k1", {{"ok", true}}};
  CHECK(events_of_repeat(driver, [&] { ledger.finish_commands(lease, one(done)); }) == 0);
  CHECK(ledger.command_answer("k1") == nlohmann::json{{"ok", true}});
  CHECK(driver.snapshot().commands.empty());
  CHECK(events_of_repeat(driver, [&] { ledger.release(lease); }) == 0);
  CHECK(driver.ledger->read("verify", {})["ok"] == true);
}

TEST_CASE("of two acquirers that saw the same head, one leads", "[ledger][repeat]") {
  LedgerDriver driver;
  const auto seen = driver.ledger->head();
  auto other = ledger::connect(driver.db.service_url());
  const auto won = driver.ledger->acquire(seen, "00000000-0000-4000-8000-00000000000a", "a");
  const auto lost = other->acquire(seen, "00000000-0000-4000-8000-00000000000b", "b");
  REQUIRE(won);
  CHECK_FALSE(lost);
  CHECK(won->fence == driver.lease.fence + 1);
  // The answer got lost: the same term again finds itself leading.
  CHECK(driver.ledger->acquire(seen, "00000000-0000-4000-8000-00000000000a", "a")->fence ==
        won->fence);
}

TEST_CASE("a renewal is seen by whoever waits to take over", "[ledger][repeat]") {
  LedgerDriver driver;
  const auto seen = driver.ledger->head();
  driver.ledger->renew(driver.lease);
  CHECK_FALSE(driver.ledger->acquire(seen, "00000000-0000-4000-8000-00000000000b", "b"));
  CHECK(driver.ledger->head().head_seq == seen.head_seq);
}

TEST_CASE("a lease given back is taken without a wait and its holder writes no more",
          "[ledger][repeat]") {
  LedgerDriver driver;
  driver.ledger->release(driver.lease);
  CHECK(driver.ledger->head().released);
  CHECK_THROWS_AS(driver.ledger->renew(driver.lease), ledger::Fenced);
  CHECK(driver.ledger->acquire(driver.ledger->head(), "00000000-0000-4000-8000-00000000000b", "b"));
}

void kill_service_sessions(const TestDatabase& db) {
  db.as_owner(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND usename = 'amdahl_service'");
}

TEST_CASE("after a killed connection the next call works", "[ledger][repeat]") {
  LedgerDriver driver;
  kill_service_sessions(driver.db);
  CHECK_THROWS_AS(driver.ledger->head(), ledger::Unavailable);
  CHECK(driver.ledger->head().fence == driver.lease.fence);
  kill_service_sessions(driver.db);
  CHECK_THROWS_AS(driver.ledger->renew(driver.lease), ledger::OutcomeUnknown);
  CHECK_NOTHROW(driver.ledger->renew(driver.lease));
}

TEST_CASE("a connection killed inside a stage leaves its outcome unknown", "[ledger][repeat]") {
  LedgerDriver driver;
  const auto before = driver.head_seq();
  std::string thrown;
  std::thread stage;
  // The owner's advisory lock stands in for a slow disk: the stage waits inside its transaction.
  driver.db.while_locked("LOCK TABLE amdahl.loop_head IN EXCLUSIVE MODE", [&] {
    stage = std::thread{[&] {
      try {
        driver.ledger->note(driver.lease, "rewind_noticed", "loop-1", {});
        thrown = "nothing";
      } catch (const ledger::OutcomeUnknown&) {
        thrown = "unknown";
      } catch (const std::exception& other) {
        thrown = other.what();
      }
    }};
    while (
        driver.db.as_owner("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                           "AND usename = 'amdahl_service'") == "0") {
      std::this_thread::yield();
    }
    kill_service_sessions(driver.db);
    stage.join();
  });
  CHECK(thrown == "unknown");
  CHECK(driver.head_seq() == before);
}

TEST_CASE("a lock that somebody else holds is not awaited for long", "[ledger][repeat]") {
  LedgerDriver driver;
  driver.db.while_locked("LOCK TABLE amdahl.loop_head IN EXCLUSIVE MODE", [&] {
    CHECK_THROWS_AS(driver.ledger->renew(driver.lease), ledger::Unavailable);
  });
  CHECK_NOTHROW(driver.ledger->renew(driver.lease));
}

TEST_CASE("every stage is one round trip, and an empty one is none", "[ledger][repeat]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto experiment = driver.start_trial(job, {workers(4)});
  auto& ledger = *driver.ledger;
  const auto trips = [&](const std::function<void()>& stage) {
    const auto before = ledger.round_trips();
    stage();
    return ledger.round_trips() - before;
  };
  CHECK(trips([&] { ledger.read_snapshot(); }) == 1);
  std::vector<ledger::OpenPair> pairs;
  for (int i = 0; i < 20; ++i) pairs.push_back(driver.pair_for(experiment));
  CHECK(trips([&] { ledger.open_pairs(driver.lease, pairs); }) == 1);
  CHECK(driver.snapshot().live_runs.size() == 20);
  CHECK(trips([&] { ledger.record_runs(driver.lease, {}); }) == 0);
  CHECK(trips([&] { ledger.renew(driver.lease); }) == 1);
}

}  // namespace
}  // namespace amdahl::test
