// What the stages decide on their own: duplicates, retries, aborts, the bank.
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/errors.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using core::RunState;
using core::VerdictOutcome;

struct Ruled : LedgerDriver {
  core::JobId job = add_job();

  void decide(core::ExperimentId experiment, VerdictOutcome outcome, bool release = false) {
    ledger::Decision decision;
    decision.experiment = experiment;
    decision.outcome = outcome;
    decision.reason = "because of the test";
    decision.release_fingerprint = release;
    ledger->decide(lease, one(decision));
  }
  core::ExperimentId try_again(const std::vector<core::Change>& changes, bool near_ok = false,
                               int replicate = 0) {
    ledger::NewHypothesis idea;
    idea.job = job;
    idea.changes = changes;
    idea.replicate = replicate;
    auto item =
        registration(ledger->add_hypotheses(lease, one(idea), {}).at(0), job, trial(job, changes));
    item.near_duplicate_ok = near_ok;
    item.replicate = replicate;
    return ledger->register_experiments(lease, one(item)).at(0);
  }
  // Wins with `changes` and makes them the champion.
  core::ExperimentId win(const std::vector<core::Change>& changes) {
    const auto experiment = start_trial(job, changes);
    const auto champion = core::apply(snapshot().jobs.at(0).champion, changes).value();
    const auto decision = win_of(experiment, champion);
    ledger->decide(lease, one(decision));
    return experiment;
  }
  std::string last_reason() {
    return db.as_owner("SELECT reason FROM amdahl.hypothesis ORDER BY hypothesis_id DESC LIMIT 1");
  }
};

TEST_CASE("a void experiment gives its fingerprint back once", "[ledger][rules]") {
  Ruled driver;
  const auto first = driver.start_trial(driver.job, {workers(4)});
  driver.decide(first, VerdictOutcome::void_, true);
  const auto second = driver.try_again({workers(4)});
  REQUIRE(second);
  driver.decide(second, VerdictOutcome::void_, true);
  CHECK_FALSE(driver.try_again({workers(4)}));
  CHECK(driver.last_reason() == "duplicate of EXP-2: void");
}

TEST_CASE("a replicate has a key of its own", "[ledger][rules]") {
  Ruled driver;
  driver.decide(driver.start_trial(driver.job, {workers(4)}), VerdictOutcome::no_effect);
  CHECK_FALSE(driver.try_again({workers(4)}));
  CHECK(driver.try_again({workers(4)}, false, 1));
}

TEST_CASE("a refuted change stays refuted on another baseline, unless its phase has grown",
          "[ledger][rules]") {
  Ruled driver;
  driver.decide(driver.start_trial(driver.job, {workers(8)}), VerdictOutcome::refuted);
  driver.win({gpus(2)});
  CHECK_FALSE(driver.try_again({workers(8)}));
  CHECK(driver.last_reason() == "near duplicate of EXP-1 on another baseline: refuted");
  CHECK(driver.try_again({workers(8)}, true));
}

TEST_CASE("a refuted change may be tried again on other code", "[ledger][rules]") {
  Ruled driver;
  driver.decide(driver.start_trial(driver.job, {workers(8)}), VerdictOutcome::refuted);
  ledger::NewHypothesis idea;
  idea.job = driver.job;
  idea.changes = {workers(8)};
  auto protocol = driver.trial(driver.job, idea.changes);
  protocol.code_digest = std::string(64, 'd');
  const auto id = driver.ledger->add_hypotheses(driver.lease, one(idea), {}).at(0);
  const auto item = driver.registration(id, driver.job, protocol);
  CHECK(driver.ledger->register_experiments(driver.lease, one(item)).at(0));
}

TEST_CASE("a resource change may be tried again once the champion has moved", "[ledger][rules]") {
  Ruled driver;
  driver.decide(driver.start_trial(driver.job, {gpus(2)}), VerdictOutcome::no_effect);
  driver.win({workers(4)});
  CHECK(driver.try_again({gpus(2)}));
}

TEST_CASE("an idea is open once, whoever proposes it", "[ledger][rules]") {
  Ruled driver;
  const auto first = driver.propose(driver.job, {workers(4)});
  ledger::NewHypothesis human;
  human.job = driver.job;
  human.source = core::HypothesisSource::human;
  human.changes = {workers(4)};
  const ledger::ProposedFor proposed{driver.job, "abc"};
  CHECK(driver.ledger->add_hypotheses(driver.lease, one(human), one(proposed)).at(0) == first);
  CHECK(driver.snapshot().hypotheses.size() == 1);
  CHECK(driver.snapshot().jobs.at(0).proposed_for == "abc");
}

TEST_CASE("an idea answers the command that asked for it, once", "[ledger][rules]") {
  Ruled driver;
  auto& ledger = *driver.ledger;
  ledger.put_command("k1", "propose", {{"job", "eval"}});
  ledger::NewHypothesis idea;
  idea.job = driver.job;
  idea.changes = {workers(4)};
  idea.command = "k1";
  const auto id = ledger.add_hypotheses(driver.lease, one(idea), {}).at(0);
  CHECK(ledger.command_answer("k1") == nlohmann::json{{"ok", true}, {"hypothesis", id.value}});
  CHECK(driver.snapshot().commands.empty());
  const auto events = driver.head_seq();
  CHECK(ledger.add_hypotheses(driver.lease, one(idea), {}).at(0) == id);
  CHECK(driver.head_seq() == events);
}

TEST_CASE("what needs approval is registered only after it", "[ledger][rules]") {
  Ruled driver;
  ledger::NewHypothesis idea;
  idea.job = driver.job;
  idea.changes = {workers(4)};
  idea.needs_approval = true;
  const auto id = driver.ledger->add_hypotheses(driver.lease, one(idea), {}).at(0);
  const auto item = driver.registration(id, driver.job, driver.trial(driver.job, {workers(4)}));
  CHECK_THROWS_AS(driver.ledger->register_experiments(driver.lease, one(item)), ledger::Refused);
  driver.ledger->approve_hypotheses(driver.lease, one(id));
  CHECK(driver.snapshot().hypotheses.at(0).approved);
  CHECK(driver.ledger->register_experiments(driver.lease, one(item)).at(0));
}

TEST_CASE("a rejected hypothesis keeps its reason and leaves the snapshot", "[ledger][rules]") {
  Ruled driver;
  const auto id = driver.propose(driver.job, {workers(4)});
  const ledger::RejectHypothesis rejection{id, "cannot be refuted here: add {shard}"};
  driver.ledger->reject_hypotheses(driver.lease, one(rejection));
  CHECK(driver.snapshot().hypotheses.empty());
  CHECK(driver.last_reason() == rejection.reason);
}

TEST_CASE("a changed job keeps its champion, or says why it was reset", "[ledger][rules]") {
  Ruled driver;
  const auto win = driver.win({workers(4)});
  ledger::NewJob changed;
  changed.spec = example_job("eval");
  changed.spec.time_limit = std::chrono::minutes{5};
  changed.champion = driver.snapshot().jobs.at(0).champion;
  driver.ledger->add_jobs(driver.lease, one(changed));
  CHECK(driver.snapshot().jobs.at(0).spec == changed.spec);
  CHECK(driver.snapshot().jobs.at(0).champion_wins == std::vector{win});
  changed.spec.command.push_back("--fast");
  changed.champion = core::baseline_configuration(changed.spec);
  changed.note = "the command changed";
  driver.ledger->add_jobs(driver.lease, one(changed));
  CHECK(driver.snapshot().jobs.at(0).champion_wins.empty());
  CHECK(driver.snapshot().jobs.at(0).champion == changed.champion);
}

TEST_CASE("a run that never started is tried again with the same coin", "[ledger][rules]") {
  Ruled driver;
  const auto experiment = driver.start_trial(driver.job, {workers(4)});
  const auto run = driver.live_run(experiment, RunState::queued);
  const auto coin = driver.snapshot().experiments.at(0).pairs.at(0).coin;
  ledger::RecordRun lost;
  lost.run = run;
  lost.state = RunState::ended;
  lost.outcome = core::RunOutcome::node_failed;
  lost.cause = core::CauseClass::infra;
  lost.pair = core::PairState::open;
  driver.ledger->record_runs(driver.lease, one(lost));
  ledger::RetryRun retry;
  retry.pair = driver.snapshot().experiments.at(0).pairs.at(0).id;
  retry.cluster = "local";
  retry.run_key = driver.next_key(2);
  retry.worker_run_id = "local/local/" + retry.run_key.text;
  driver.ledger->retry_runs(driver.lease, one(retry));
  driver.ledger->retry_runs(driver.lease, one(retry));
  const auto snapshot = driver.snapshot();
  CHECK(snapshot.experiments.at(0).pairs.size() == 1);
  CHECK(snapshot.experiments.at(0).pairs.at(0).coin == coin);
  CHECK(snapshot.experiments.at(0).pairs.at(0).attempts == 2);
  REQUIRE(snapshot.live_runs.size() == 1);
  CHECK(snapshot.live_runs.at(0).attempt == 2);
}

TEST_CASE("a rejected submit ends the run and voids its pair", "[ledger][rules]") {
  Ruled driver;
  const auto run =
      driver.live_run(driver.start_trial(driver.job, {workers(4)}), RunState::submitting);
  ledger::RecordSubmit rejected{run, ledger::RecordSubmit::Kind::rejected, "", 0,
                                "no such partition"};
  driver.ledger->record_submits(driver.lease, one(rejected));
  const auto snapshot = driver.snapshot();
  CHECK(snapshot.live_runs.empty());
  CHECK(snapshot.experiments.at(0).pairs.at(0).state == core::PairState::void_);
  CHECK(snapshot.experiments.at(0).pairs.at(0).void_reason == "rejected: no such partition");
}

TEST_CASE("a postponed or unclear submit is armed again with the same run key", "[ledger][rules]") {
  Ruled driver;
  const auto run =
      driver.live_run(driver.start_trial(driver.job, {workers(4)}), RunState::submitting);
  const auto kind =
      GENERATE(ledger::RecordSubmit::Kind::retry, ledger::RecordSubmit::Kind::unknown);
  const ledger::RecordSubmit answer{run, kind, "", 0, "try later"};
  driver.ledger->record_submits(driver.lease, one(answer));
  CHECK(driver.snapshot().live_runs.at(0).state == RunState::submitting);
  const std::string sha(64, 'a');
  driver.ledger->arm_submits(driver.lease, one(run), one(sha));
  CHECK(driver.db.as_owner("SELECT submit_try FROM amdahl.worker_run") == "2");
  const std::string other(64, 'b');
  driver.ledger->record_submits(driver.lease, one(answer));
  CHECK_THROWS_AS(driver.ledger->arm_submits(driver.lease, one(run), one(other)), ledger::Refused);
}

TEST_CASE("an intent that was seen absent is a new try when it is armed again", "[ledger][rules]") {
  Ruled driver;
  const auto run =
      driver.live_run(driver.start_trial(driver.job, {workers(4)}), RunState::submitting);
  ledger::RecordRun missed;
  missed.run = run;
  missed.state = RunState::submitting;
  missed.misses = 1;
  driver.ledger->record_runs(driver.lease, one(missed));
  REQUIRE(driver.snapshot().live_runs.at(0).absent_since_us > 0);
  const std::string sha(64, 'a');
  driver.ledger->arm_submits(driver.lease, one(run), one(sha));
  // What is sent now may arrive late, so its quiet period begins anew.
  CHECK(driver.snapshot().live_runs.at(0).absent_since_us == 0);
  CHECK(driver.db.as_owner("SELECT submit_try FROM amdahl.worker_run") == "2");
}

TEST_CASE("an abort waits for its live runs and then gives the fingerprint back",
          "[ledger][rules]") {
  Ruled driver;
  const auto experiment = driver.start_trial(driver.job, {workers(4)});
  driver.complete_pair(experiment);
  const auto running = driver.live_run(experiment, RunState::running);
  driver.live_run(experiment, RunState::planned);
  driver.ledger->abort_experiments(driver.lease, one(experiment), "not now");
  auto snapshot = driver.snapshot();
  REQUIRE(snapshot.experiments.size() == 1);
  CHECK(snapshot.experiments.at(0).abort_requested);
  REQUIRE(snapshot.live_runs.size() == 1);  // what never left us ended at once
  CHECK(snapshot.live_runs.at(0).id == running);
  CHECK(snapshot.live_runs.at(0).cancel_requested);
  CHECK_THROWS_AS(driver.complete_pair(experiment), ledger::Refused);

  ledger::RecordRun cancelled;
  cancelled.run = running;
  cancelled.state = RunState::ended;
  cancelled.outcome = core::RunOutcome::cancelled;
  cancelled.cause = core::CauseClass::operator_;
  cancelled.gpu_us_charged = 5e6;
  driver.ledger->record_runs(driver.lease, one(cancelled));
  snapshot = driver.snapshot();
  CHECK(snapshot.experiments.empty());
  CHECK(snapshot.hypotheses.empty());
  CHECK(snapshot.gpu_us_charged_today == 13e6);
  const auto summary = driver.ledger->read("experiments", {})["experiments"][0];
  CHECK(summary["state"] == "aborted");
  CHECK(summary["reason"] == "not now");
  CHECK(summary["pairs_open"] == 0);
  CHECK(driver.try_again({workers(4)}));
  CHECK(driver.ledger->read("verify", {})["ok"] == true);
}

TEST_CASE("an aborted canary pauses its job until somebody adds it again", "[ledger][rules]") {
  Ruled driver;
  const auto item = driver.registration({}, driver.job, driver.canary(driver.job));
  const auto canary = driver.ledger->register_experiments(driver.lease, one(item)).at(0);
  driver.ledger->abort_experiments(driver.lease, one(canary), "not now");
  CHECK(driver.snapshot().jobs.at(0).paused);
  driver.add_job();
  CHECK_FALSE(driver.snapshot().jobs.at(0).paused);
  CHECK(driver.ledger->register_experiments(driver.lease, one(item)).at(0));
}

TEST_CASE("a hold keeps the time it began and is lifted by an empty reason", "[ledger][rules]") {
  Ruled driver;
  const auto experiment = driver.start_trial(driver.job, {workers(4)});
  ledger::Advance step;
  step.experiment = experiment;
  step.hold = "quality unproven";
  driver.ledger->advance(driver.lease, one(step));
  const auto since = driver.snapshot().experiments.at(0).hold_since_us;
  CHECK(since > 0);
  step.hold = "quality and digest unproven";
  driver.ledger->advance(driver.lease, one(step));
  CHECK(driver.snapshot().experiments.at(0).hold_since_us == since);
  step.hold = "";
  driver.ledger->advance(driver.lease, one(step));
  CHECK(driver.snapshot().experiments.at(0).hold_reason.empty());
  CHECK(driver.snapshot().experiments.at(0).hold_since_us == 0);
}

TEST_CASE("steps and verdicts go together: one round trip, all or nothing", "[ledger][rules]") {
  Ruled driver;
  const auto held = driver.start_trial(driver.job, {workers(4)});
  const auto decided = driver.start_trial(driver.job, {workers(8)});
  ledger::Advance step;
  step.experiment = held;
  step.hold = "quality unproven";
  ledger::Decision decision;
  decision.experiment = decided;
  decision.outcome = VerdictOutcome::no_effect;
  const auto together = [&] {
    driver.ledger->advance_and_decide(driver.lease, one(step), one(decision));
  };
  // A verdict without a reason is refused, and the step with it.
  CHECK_THROWS_AS(together(), ledger::Refused);
  CHECK(driver.snapshot().experiments.at(0).hold_reason.empty());
  decision.reason = "because of the test";
  const auto before = driver.ledger->round_trips();
  together();
  CHECK(driver.ledger->round_trips() == before + 1);
  const auto snapshot = driver.snapshot();
  REQUIRE(snapshot.experiments.size() == 1);
  CHECK(snapshot.experiments.at(0).hold_reason == "quality unproven");
}

TEST_CASE("pairs and retries go together in one round trip", "[ledger][rules]") {
  Ruled driver;
  const auto experiment = driver.start_trial(driver.job, {workers(4)});
  ledger::RecordRun lost;
  lost.run = driver.live_run(experiment, RunState::queued);
  lost.state = RunState::ended;
  lost.outcome = core::RunOutcome::node_failed;
  lost.cause = core::CauseClass::infra;
  lost.pair = core::PairState::open;
  driver.ledger->record_runs(driver.lease, one(lost));
  ledger::RetryRun retry;
  retry.pair = driver.snapshot().experiments.at(0).pairs.at(0).id;
  ledger::OpenPair next;
  next.experiment = experiment;
  next.cluster = retry.cluster = "local";
  retry.run_key = driver.next_key(2);
  retry.worker_run_id = "local/local/" + retry.run_key.text;
  next.run_key = driver.next_key(1);
  next.worker_run_id = "local/local/" + next.run_key.text;
  const auto before = driver.ledger->round_trips();
  driver.ledger->open_and_retry(driver.lease, one(next), one(retry));
  CHECK(driver.ledger->round_trips() == before + 1);
  const auto snapshot = driver.snapshot();
  CHECK(snapshot.experiments.at(0).pairs.size() == 2);
  CHECK(snapshot.live_runs.size() == 2);
}

TEST_CASE("hours run with the champion are banked once, at the lower bound", "[ledger][rules]") {
  Ruled driver;
  const auto win = driver.win({workers(4)});
  ledger::ProductionRun run;
  run.cluster = "local";
  run.native_id = "900";
  run.submitted_at_us = 1;
  run.job = driver.job;
  run.start_us = 1'790'000'000'000'000;
  run.end_us = run.start_us + 3'600'000'000;
  run.gpus = 2;
  run.state = "succeeded";
  run.champion = true;
  driver.ledger->record_production(driver.lease, one(run));
  driver.ledger->record_production(driver.lease, one(run));
  const auto bank = driver.ledger->read("bank", {});
  // Two GPU-hours used, 50 % more would have been: exp(ln 1.5) − 1.
  CHECK(bank["banked_gpu_hours"].get<double>() == Approx(1.0).margin(1e-6));
  REQUIRE(bank["entries"].size() == 1);
  CHECK(bank["entries"][0]["experiment"] == win.value);
  CHECK(bank["entries"][0]["direction"] == "credit");
  CHECK(bank["entries"][0]["period"] == "2026-09");
  CHECK(bank["net_gpu_hours"].get<double>() ==
        Approx(1.0 - bank["spent_gpu_hours"].get<double>()).margin(1e-6));
  run.native_id = "901";
  run.champion = false;
  driver.ledger->record_production(driver.lease, one(run));
  CHECK(driver.ledger->read("bank", {})["entries"].size() == 1);
  CHECK(driver.ledger->read("job", {{"name", "eval"}})["production"]["runs"] == 2);
  CHECK(driver.ledger->read("verify", {})["ok"] == true);
}

TEST_CASE("a production run of the champion lives like any run but spends no test hours",
          "[ledger][rules]") {
  Ruled driver;
  ledger::PlanProduction plan;
  plan.job = driver.job;
  plan.spec = core::make_run_spec(driver.trial(driver.job, {workers(4)}), "production", 0, 1, 0,
                                  driver.next_key());
  plan.cluster = "local";
  plan.worker_run_id = "local/local/" + plan.spec.key.text;
  plan.gpu_us_reserved = 7;
  driver.ledger->plan_production(driver.lease, one(plan));
  driver.ledger->plan_production(driver.lease, one(plan));
  auto live = driver.snapshot().live_runs;
  REQUIRE(live.size() == 1);
  CHECK(live[0].production == plan.spec);
  CHECK_FALSE(live[0].pair);
  CHECK(live[0].job == driver.job);
  CHECK(driver.snapshot().gpu_us_reserved == 0);
  const std::string sha(64, 'a');
  driver.ledger->arm_submits(driver.lease, one(live[0].id), one(sha));
  ledger::RecordRun ended;
  ended.run = live[0].id;
  ended.state = RunState::ended;
  ended.outcome = core::RunOutcome::succeeded;
  ended.gpu_us_charged = 5e6;
  ended.legs = {example_leg(core::Arm::baseline, 1)};
  driver.ledger->record_runs(driver.lease, one(ended));
  CHECK(driver.snapshot().live_runs.empty());
  CHECK(driver.snapshot().gpu_us_charged_today == 0);
  CHECK(driver.ledger->read("verify", {})["ok"] == true);
}

TEST_CASE("what a crashing job prints is stored whatever its bytes", "[ledger][rules]") {
  Ruled driver;
  const auto run = driver.live_run(driver.start_trial(driver.job, {workers(4)}), RunState::running);
  ledger::RecordRun ended;
  ended.run = run;
  ended.state = RunState::ended;
  ended.outcome = core::RunOutcome::failed;
  ended.cause = core::CauseClass::app;
  ended.reason = "exit 1";
  auto leg = example_leg(core::Arm::variant, 1);
  leg.units.reset();
  leg.exit_code = 1;
  leg.error_tail = std::string{"a\0b\\u0000\xff\n'; DROP", 18};
  ended.legs = {leg};
  ended.pair = core::PairState::complete;
  driver.ledger->record_runs(driver.lease, one(ended));
  const auto stored = driver.snapshot().experiments.at(0).pairs.at(0).legs.at(0);
  CHECK(stored.error_tail ==
        "a\xef\xbf\xbd"
        "b\\u0000\xef\xbf\xbd\n'; DROP");
  CHECK_FALSE(stored.units);
  CHECK(driver.db.as_owner("SELECT units IS NULL FROM amdahl.measurement") == "t");
}

}  // namespace
}  // namespace amdahl::test
