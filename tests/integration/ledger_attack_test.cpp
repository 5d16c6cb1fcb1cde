// Every rule of the ledger, attacked: through the interface, with the service's rights, as the
// owner.
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/errors.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using core::RunState;

std::string refusal(const std::function<void()>& attack) {
  try {
    attack();
  } catch (const ledger::Refused& refused) {
    return refused.sqlstate;
  } catch (const ledger::Fenced&) {
    return "fenced";
  }
  return "accepted";
}

struct Attacked : LedgerDriver {
  core::JobId job = add_job();
  core::ExperimentId experiment = start_trial(job, {workers(4)});

  std::string as_owner(const std::string& sql) {
    return refusal([&] { db.as_owner(sql); });
  }
  std::string as_service(const std::string& sql) {
    return refusal([&] { db.as_service(sql); });
  }
  std::string decide(ledger::Decision decision) {
    return refusal([&] { ledger->decide(lease, std::span{&decision, 1}); });
  }
};

TEST_CASE("the service's role changes no table", "[ledger][attack]") {
  Attacked driver;
  driver.complete_pair(driver.experiment);
  const auto* table =
      GENERATE("loop_head", "event", "job", "worker_run", "verdict", "bank", "pair", "measurement",
               "experiment_key", "fdr_stream", "command", "schema_migration");
  CAPTURE(table);
  const std::string name = std::string{"amdahl."} + table;
  CHECK(driver.as_service("DELETE FROM " + name) == "42501");
  CHECK(driver.as_service("TRUNCATE " + name) == "42501");
  CHECK(driver.as_service("INSERT INTO " + name + " DEFAULT VALUES") == "42501");
  CHECK(driver.as_service("ALTER TABLE " + name + " DISABLE TRIGGER ALL") == "42501");
  CHECK(driver.as_service("SELECT count(*) FROM " + name) == "accepted");
}

TEST_CASE("the service's role cannot read a salt or draw a coin", "[ledger][attack]") {
  Attacked driver;
  CHECK(driver.as_service("SELECT salt FROM amdahl.experiment_salt") == "42501");
  CHECK(driver.as_service("SELECT amdahl._coin(1, 7)") == "42501");
  CHECK(driver.as_service("SELECT amdahl._append('{}')") == "42501");
  CHECK(driver.as_service("CREATE TABLE amdahl.mine (x int)") == "42501");
  CHECK(driver.as_service("CREATE FUNCTION amdahl.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'") ==
        "42501");
}

TEST_CASE("every function of the ledger fixes its search path or is called by one that does",
          "[ledger][attack]") {
  TestDatabase db;
  CHECK(db.as_owner("SELECT coalesce(string_agg(proname, ', '), '') FROM pg_proc "
                    "WHERE pronamespace = 'amdahl'::regnamespace AND left(proname, 1) <> '_' "
                    "AND (NOT prosecdef OR proconfig IS NULL "
                    "OR NOT 'search_path=pg_catalog, amdahl, pg_temp' = ANY (proconfig))") == "");
  CHECK(db.as_owner("SELECT coalesce(string_agg(proname, ', '), '') FROM pg_proc "
                    "WHERE pronamespace = 'amdahl'::regnamespace AND left(proname, 1) = '_' "
                    "AND has_function_privilege('amdahl_service', oid, 'EXECUTE')") == "");
}

TEST_CASE("what is written once stays, even for the owner", "[ledger][attack]") {
  Attacked driver;
  auto decision =
      driver.win_of(driver.experiment, core::baseline_configuration(example_job("eval")));
  driver.ledger->decide(driver.lease, std::span{&decision, 1});
  const std::string table =
      GENERATE("event", "measurement", "verdict", "experiment_salt", "schema_migration");
  CAPTURE(table);
  CHECK(driver.as_owner("DELETE FROM amdahl." + table) == "AM010");
  CHECK(driver.as_owner("TRUNCATE amdahl." + table + " CASCADE") == "AM010");
}

TEST_CASE("partitions of the event chain are guarded one by one", "[ledger][attack]") {
  Attacked driver;
  CHECK(driver.as_owner("UPDATE amdahl.event SET payload = '{}' WHERE seq = 1") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.event_000000 SET payload = '{}' WHERE seq = 1") == "AM010");
  CHECK(driver.as_owner("DELETE FROM amdahl.event_000000") == "AM010");
  CHECK(driver.as_owner("TRUNCATE amdahl.event_000000") == "AM010");
  CHECK(driver.as_owner("SELECT amdahl._add_event_partition(1)") == "accepted");
  CHECK(driver.as_owner("TRUNCATE amdahl.event_000001") == "AM010");
  CHECK(driver.as_owner("TRUNCATE amdahl.event") == "AM010");
}

TEST_CASE("the chain goes on across partitions", "[ledger][attack]") {
  Attacked driver;
  driver.db.as_owner("ALTER TABLE amdahl.loop_head DISABLE TRIGGER ALL");
  driver.db.as_owner("UPDATE amdahl.loop_head SET head_seq = 999998");
  driver.db.as_owner("ALTER TABLE amdahl.loop_head ENABLE TRIGGER ALL");
  for (int i = 0; i < 3; ++i) driver.ledger->note(driver.lease, "orphan_swept", "run-1", {});
  CHECK(driver.head_seq() == 1'000'001);
  CHECK(driver.db.as_owner("SELECT count(*) FROM amdahl.event_000001") == "2");
  CHECK(driver.as_owner("TRUNCATE amdahl.event_000001") == "AM010");
  CHECK(driver.as_owner("DELETE FROM amdahl.event_000001") == "AM010");
}

TEST_CASE("an inbox that nobody empties is full at a bound", "[ledger][attack]") {
  Attacked driver;
  driver.db.as_owner(
      "INSERT INTO amdahl.command (key, verb, args) SELECT n::text, 'pause', '{}' "
      "FROM generate_series(1, 1000) AS n");
  CHECK(refusal([&] { driver.ledger->put_command("k", "pause", {}); }) == "AM012");
  CHECK(driver.snapshot().commands.size() == 100);
}

TEST_CASE("identities and frozen protocols do not change, even for the owner", "[ledger][attack]") {
  Attacked driver;
  const auto run = driver.live_run(driver.experiment, RunState::running);
  const auto id = std::to_string(run.value);
  CHECK(driver.as_owner("UPDATE amdahl.worker_run SET run_key = 'al-" + std::string(26, 'z') +
                        "-1' WHERE run_id = " + id) == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.worker_run SET native_id = 'other' WHERE run_id = " + id) ==
        "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.worker_run SET state = 1 WHERE run_id = " + id) == "AM002");
  CHECK(driver.as_owner("DELETE FROM amdahl.worker_run") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET protocol = '{}'") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET t = 7") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET salt_hash = sha256('x')") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.pair SET coin = 1 - coin") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.hypothesis SET change = '[]'") == "AM002");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET state = 0") == "AM002");
}

TEST_CASE("the head only moves forward", "[ledger][attack]") {
  Attacked driver;
  CHECK(driver.as_owner("UPDATE amdahl.loop_head SET fence = fence - 1") == "AM011");
  CHECK(driver.as_owner("UPDATE amdahl.loop_head SET term = gen_random_uuid()") == "AM011");
  CHECK(driver.as_owner("UPDATE amdahl.loop_head SET renew_seq = renew_seq - 1") == "AM011");
  CHECK(driver.as_owner("UPDATE amdahl.loop_head SET head_seq = head_seq + 1") == "AM011");
  CHECK(driver.as_owner("UPDATE amdahl.loop_head SET head_hash = sha256('x')") == "AM011");
  CHECK(driver.as_owner("DELETE FROM amdahl.loop_head") == "AM010");
}

TEST_CASE("a stale loop is fenced out of every stage", "[ledger][attack]") {
  Attacked driver;
  const auto run = driver.live_run(driver.experiment, RunState::running);
  const auto stale = driver.lease;
  REQUIRE(
      driver.ledger->acquire(driver.ledger->head(), "00000000-0000-4000-8000-000000000002", "b"));
  const auto before = driver.head_seq();
  auto& ledger = *driver.ledger;
  const auto pair = driver.pair_for(driver.experiment);
  const std::string sha(64, 'a');
  ledger::RecordSubmit submit;
  submit.run = run;
  ledger::RecordRun record;
  record.run = run;
  ledger::Advance step;
  step.experiment = driver.experiment;
  ledger::Decision decision;
  decision.experiment = driver.experiment;
  ledger::NewJob job;
  job.spec = example_job("late");
  ledger::NewHypothesis idea;
  idea.job = driver.job;
  ledger::RejectHypothesis rejection;
  ledger::Registration registration =
      driver.registration({}, driver.job, driver.canary(driver.job));
  ledger::RetryRun retry;
  ledger::ProductionRun production;
  ledger::PlanProduction plan;
  ledger::CommandDone done;
  const core::HypothesisId hypothesis{1};
  const std::vector<std::function<void()>> stages{
      [&] { ledger.renew(stale); },
      [&] { ledger.release(stale); },
      [&] {
        ledger.add_jobs(stale, std::span{&job, 1});
      },
      [&] {
        ledger.add_hypotheses(stale, std::span{&idea, 1}, {});
      },
      [&] {
        ledger.reject_hypotheses(stale, std::span{&rejection, 1});
      },
      [&] {
        ledger.approve_hypotheses(stale, std::span{&hypothesis, 1});
      },
      [&] {
        ledger.register_experiments(stale, std::span{&registration, 1});
      },
      [&] {
        ledger.open_pairs(stale, std::span{&pair, 1});
      },
      [&] {
        ledger.retry_runs(stale, std::span{&retry, 1});
      },
      [&] {
        ledger.arm_submits(stale, std::span{&run, 1}, std::span{&sha, 1});
      },
      [&] {
        ledger.record_submits(stale, std::span{&submit, 1});
      },
      [&] {
        ledger.record_runs(stale, std::span{&record, 1});
      },
      [&] {
        ledger.advance(stale, std::span{&step, 1});
      },
      [&] {
        ledger.decide(stale, std::span{&decision, 1});
      },
      [&] {
        ledger.abort_experiments(stale, std::span{&driver.experiment, 1}, "late");
      },
      [&] {
        ledger.request_cancel(stale, std::span{&run, 1});
      },
      [&] { ledger.set_paused(stale, true, "late"); },
      [&] {
        ledger.plan_production(stale, std::span{&plan, 1});
      },
      [&] {
        ledger.record_production(stale, std::span{&production, 1});
      },
      [&] {
        ledger.finish_commands(stale, std::span{&done, 1});
      },
      [&] { ledger.note(stale, "rewind_noticed", "loop-1", {}); },
  };
  for (std::size_t i = 0; i < stages.size(); ++i) {
    CAPTURE(i);
    CHECK(refusal(stages[i]) == "fenced");
  }
  CHECK(driver.head_seq() == before);
}

TEST_CASE("an id without an intent committed before is refused", "[ledger][attack]") {
  Attacked driver;
  const auto run = driver.live_run(driver.experiment, RunState::planned);
  ledger::RecordSubmit accepted;
  accepted.run = run;
  accepted.native_id = "pid-1";
  CHECK(refusal([&] {
          driver.ledger->record_submits(driver.lease, std::span{&accepted, 1});
        }) == "AM004");
  // Intent and id in one transaction: the intent was not durable when the submit left.
  const auto id = std::to_string(run.value);
  CHECK(driver.as_owner("DO $$ BEGIN "
                        "UPDATE amdahl.worker_run SET state = 1, spec_sha = 'a', "
                        "intent_xid = pg_current_xact_id(), intent_fence = 1 WHERE run_id = " +
                        id +
                        "; "
                        "UPDATE amdahl.worker_run SET state = 2, native_id = 'p' WHERE run_id = " +
                        id + "; END $$") == "AM004");
}

TEST_CASE("a verdict is written once and cannot be taken back", "[ledger][attack]") {
  Attacked driver;
  driver.complete_pair(driver.experiment);
  ledger::Decision decision;
  decision.experiment = driver.experiment;
  decision.outcome = core::VerdictOutcome::no_effect;
  decision.reason = "futile";
  REQUIRE(driver.decide(decision) == "accepted");
  decision.outcome = core::VerdictOutcome::refuted;
  CHECK(driver.decide(decision) == "AM009");
  CHECK(driver.as_owner("UPDATE amdahl.verdict SET outcome = 0") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET state = 2") == "AM002");
}

TEST_CASE("a false tally, a minority and thin evidence are no win", "[ledger][attack]") {
  Attacked driver;
  const auto honest =
      driver.win_of(driver.experiment, core::baseline_configuration(example_job("eval")));
  auto more = honest;
  more.upholds = 5;
  CHECK(driver.decide(more) == "AM006");
  auto minority = honest;
  minority.votes.resize(1);
  minority.upholds = 1;
  CHECK(driver.decide(minority) == "AM006");
  auto thin = honest;
  thin.e_value = 399;
  CHECK(driver.decide(thin) == "AM006");
  auto hidden = honest;
  hidden.votes[2].vote = core::Vote::refute;
  CHECK(driver.decide(hidden) == "AM006");
  CHECK(driver.snapshot().wins == 0);
  CHECK(driver.decide(honest) == "accepted");
}

TEST_CASE("a win judged with an old count of wins is refused", "[ledger][attack]") {
  Attacked driver;
  auto decision =
      driver.win_of(driver.experiment, core::baseline_configuration(example_job("eval")));
  decision.wins_before = 1;
  CHECK(driver.decide(decision) == "AM003");
  decision.wins_before = 0;
  CHECK(driver.decide(decision) == "accepted");
}

TEST_CASE("an experiment with live runs is not decided", "[ledger][attack]") {
  Attacked driver;
  driver.live_run(driver.experiment,
                  GENERATE(RunState::planned, RunState::submitted, RunState::running));
  ledger::Decision decision;
  decision.experiment = driver.experiment;
  decision.outcome = core::VerdictOutcome::inconclusive;
  decision.reason = "gave up";
  CHECK(driver.decide(decision) == "AM008");
}

TEST_CASE("a run does not go back, and its end is final", "[ledger][attack]") {
  Attacked driver;
  const auto run = driver.live_run(driver.experiment, RunState::running);
  const auto record = [&](RunState state) {
    ledger::RecordRun item;
    item.run = run;
    item.state = state;
    if (state == RunState::ended) item.outcome = core::RunOutcome::lost;
    return refusal([&] { driver.ledger->record_runs(driver.lease, std::span{&item, 1}); });
  };
  CHECK(record(RunState::submitting) == "AM002");
  CHECK(record(RunState::submitted) == "AM002");
  driver.finish_run(run);
  CHECK(record(RunState::running) == "AM002");
  CHECK(record(RunState::ended) == "AM002");
}

TEST_CASE("a pair has one live attempt and a scheduler's id one live run", "[ledger][attack]") {
  Attacked driver;
  driver.live_run(driver.experiment, RunState::running);
  const auto pair = driver.snapshot().experiments.at(0).pairs.at(0).id;
  ledger::RetryRun retry;
  retry.pair = pair;
  retry.cluster = "local";
  retry.run_key = driver.next_key(2);
  retry.worker_run_id = "local/local/" + retry.run_key.text;
  CHECK(refusal([&] { driver.ledger->retry_runs(driver.lease, std::span{&retry, 1}); }) == "AM002");
  const auto second = driver.live_run(driver.experiment, RunState::submitting);
  ledger::RecordSubmit same;
  same.run = second;
  same.native_id = driver.snapshot().live_runs.at(0).native_id;
  same.native_at_us = driver.snapshot().live_runs.at(0).native_at_us;
  CHECK(refusal([&] {
          driver.ledger->record_submits(driver.lease, std::span{&same, 1});
        }) == "23505");
  // Schedulers use their ids again: submitted at another time it is another run.
  ++same.native_at_us;
  CHECK_NOTHROW(driver.ledger->record_submits(driver.lease, std::span{&same, 1}));
}

TEST_CASE("only the owner may choose a salt", "[ledger][attack]") {
  LedgerDriver service;
  const auto choose = [](LedgerDriver& driver) {
    const auto job = driver.add_job();
    auto item = driver.registration(driver.propose(job, {workers(4)}), job,
                                    driver.trial(job, {workers(4)}));
    item.salt = "0123456789abcdef";
    driver.ledger->register_experiments(driver.lease, std::span{&item, 1});
  };
  CHECK(refusal([&] { choose(service); }) == "AM005");
  LedgerDriver owner{{.allow_owner = true}};
  choose(owner);
  owner.live_run({1}, RunState::planned);
  // SHA-256("exp-1:0123456789abcdef:1") begins with the byte whose lowest bit is the coin.
  CHECK(owner.db.as_owner("SELECT coin = get_byte(sha256('exp-1:0123456789abcdef:1'), 0) & 1 "
                          "FROM amdahl.pair") == "t");
}

TEST_CASE("the service refuses to run as the owner", "[ledger][attack]") {
  TestDatabase db;
  CHECK_THROWS_AS(ledger::connect(db.owner_url()), ledger::Refused);
  CHECK_NOTHROW(ledger::connect(db.owner_url(), {.allow_owner = true}));
}

TEST_CASE("verify finds what a superuser altered", "[ledger][attack]") {
  Attacked driver;
  auto decision =
      driver.win_of(driver.experiment, core::baseline_configuration(example_job("eval")));
  driver.ledger->decide(driver.lease, std::span{&decision, 1});
  REQUIRE(driver.ledger->read("verify", {})["ok"] == true);
  const auto alter = [&](const std::string& table, const std::string& sql) {
    driver.db.as_owner("ALTER TABLE amdahl." + table + " DISABLE TRIGGER ALL");
    driver.db.as_owner(sql);
    const auto found = driver.ledger->read("verify", {});
    CHECK(found["ok"] == false);
    return found["first_bad"];
  };
  SECTION("a measurement") {
    CHECK(alter("measurement",
                "UPDATE amdahl.measurement SET leg = jsonb_set(leg, '{window_us}', '1') "
                "WHERE run_id = 1 AND arm = 0")["table"] == "measurement");
  }
  SECTION("a verdict") {
    CHECK(alter("verdict", "UPDATE amdahl.verdict SET reason = 'because'")["table"] == "verdict");
  }
  SECTION("an event") {
    CHECK(alter("event", "UPDATE amdahl.event SET payload = '{}' WHERE seq = 3")["seq"] == 3);
  }
  SECTION("an event that is gone") {
    CHECK(alter("event", "DELETE FROM amdahl.event WHERE seq = 5")["problem"] ==
          "event 5 is missing");
  }
  SECTION("the tail of the chain") {
    alter("event", "DELETE FROM amdahl.event WHERE seq = (SELECT max(seq) FROM amdahl.event)");
  }
  SECTION("a coin") {
    CHECK(alter("pair", "UPDATE amdahl.pair SET coin = 1 - coin WHERE index = 1")["table"] ==
          "pair");
  }
  SECTION("a charge") {
    CHECK(alter("worker_run",
                "UPDATE amdahl.worker_run SET gpu_us_charged = 1 WHERE run_id = 2")["table"] ==
          "worker_run");
  }
}

}  // namespace
}  // namespace amdahl::test
