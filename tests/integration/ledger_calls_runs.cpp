// Calls about pairs, runs and production.
#include <fmt/format.h>

#include "ledger_calls_ask.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {

core::RunId LedgerCalls::run_in(core::RunState state) {
  std::vector<core::RunId> fitting;
  for (const auto& run : twins_.snapshot().live_runs)
    if (run.state == state) fitting.push_back(run.id);
  const auto* run = roll(4) == 0 ? nullptr : any(fitting);
  return run == nullptr ? run_id() : *run;
}

void LedgerCalls::open() {
  std::vector<ledger::OpenPair> pairs(static_cast<std::size_t>(1 + roll(2)));
  std::string what = "open";
  for (auto& pair : pairs) {
    pair.experiment = experiment_id();
    pair.check_no = roll(3) == 0 ? roll(7) - 1 : 0;
    pair.cluster = "local";
    pair.run_key = run_key(1);
    pair.worker_run_id = rarely() ? "local/same" : "local/" + pair.run_key.text;
    pair.gpu_us_reserved = roll(4) == 0 ? -1.0 : 1000.6 * roll(1000);
    what += fmt::format(" exp-{} check {} {:.8}", pair.experiment.value, pair.check_no,
                        pair.run_key.text);
  }
  std::vector<ledger::RetryRun> retries;
  if (roll(5) == 0) {
    auto& again = retries.emplace_back();
    again.pair = pair_id();
    again.cluster = "local";
    again.run_key = run_key(2);
    again.worker_run_id = "local/" + again.run_key.text;
    what += fmt::format(" and retry pair-{}", again.pair.value);
  }
  const auto given = lease();
  ask(what, [&](auto& l) { l.open_and_retry(given, pairs, retries); });
}

void LedgerCalls::retry() {
  ledger::RetryRun again;
  again.pair = pair_id();
  again.part = rarely() ? 1 + roll(3) : 1;
  again.cluster = "local";
  again.run_key = run_key(2);
  again.worker_run_id = "local/" + again.run_key.text;
  again.gpu_us_reserved = 500;
  const auto given = lease();
  ask(fmt::format("retry pair-{} part {}", again.pair.value, again.part), [&](auto& l) {
    l.retry_runs(given, std::span{&again, 1});
  });
}

void LedgerCalls::arm() {
  std::vector<core::RunId> runs(static_cast<std::size_t>(1 + roll(2)));
  std::vector<std::string> shas;
  for (auto& run : runs) {
    run = run_in(core::RunState::planned);
    shas.emplace_back(64, 'a');
  }
  if (rarely()) shas.assign(runs.size(), std::string(64, 'b'));
  const auto given = lease();
  twins_.ask("arm " + ids_json(runs).dump(), [&](auto& l) -> nlohmann::json {
    const auto head = l.arm_submits(given, runs, shas);
    return {head.term, head.fence, head.renew_seq, head.head_seq, head.holder, head.released};
  });
}

void LedgerCalls::answer_submit() {
  std::vector<ledger::RecordSubmit> submits(static_cast<std::size_t>(1 + roll(2)));
  std::string what = "answer";
  for (auto& submit : submits) {
    submit.run = run_in(core::RunState::submitting);
    submit.kind = static_cast<ledger::RecordSubmit::Kind>(roll(8) < 5 ? 0 : roll(4));
    submit.native_id = rarely() ? "" : fmt::format("pid-{}", roll(2));
    submit.native_at_us = roll(3);
    submit.message = text(2000);
    what += fmt::format(" run-{} {} '{}' at {}", submit.run.value, static_cast<int>(submit.kind),
                        submit.native_id, submit.native_at_us);
  }
  const auto given = lease();
  ask(what, [&](auto& l) { l.record_submits(given, submits); });
}

void LedgerCalls::move_run() {
  std::vector<ledger::RecordRun> records(static_cast<std::size_t>(1 + roll(2)));
  std::string what = "move";
  for (auto& record : records) {
    record.run = run_id();
    record.state = static_cast<core::RunState>(roll(9));
    for (const auto& run : twins_.snapshot().live_runs)
      if (run.id == record.run && roll(2) == 0) record.state = run.state;
    if (roll(2) == 0) record.misses = roll(3);
    record.released = roll(3) == 0;
    if (roll(3) == 0) record.nodes = {fmt::format("node-{}", roll(3))};
    what += fmt::format(" run-{} {} misses {}", record.run.value, core::name(record.state),
                        record.misses.value_or(-1));
  }
  const auto given = lease();
  ask(what, [&](auto& l) { l.record_runs(given, records); });
}

ledger::RecordRun LedgerCalls::run_record(core::RunId id) {
  ledger::RecordRun record;
  record.run = id;
  record.state = core::RunState::ended;
  record.outcome = static_cast<core::RunOutcome>(roll(11));
  record.cause = static_cast<core::CauseClass>(roll(5));
  record.reason = text(2000);
  record.gpu_us_charged = 1000.5 * roll(1000);
  record.released = roll(4) == 0;
  if (roll(2) == 0) record.nodes = {"node-1", "node-2"};
  record.legs = {example_leg(static_cast<core::Arm>(roll(2)), 2),
                 example_leg(static_cast<core::Arm>(roll(2)), 1)};
  record.legs.resize(static_cast<std::size_t>(rarely() ? 3 : roll(3)), record.legs.front());
  record.pair = static_cast<core::PairState>(roll(3));
  record.void_reason = text(500);
  return record;
}

void LedgerCalls::end_run() {
  std::vector<ledger::RecordRun> records;
  std::string what = "end";
  for (int i = 1 + roll(2); i > 0; --i) {
    records.push_back(run_record(run_id()));
    if (rarely()) records.back().outcome.reset();
    if (rarely()) records.push_back(records.back());
    what += fmt::format(" run-{} legs {} pair {}", records.back().run.value,
                        records.back().legs.size(), core::name(records.back().pair));
  }
  const auto given = lease();
  ask(what, [&](auto& l) { l.record_runs(given, records); });
}

void LedgerCalls::cancel() {
  std::vector<core::RunId> runs(static_cast<std::size_t>(1 + roll(3)));
  for (auto& run : runs) run = run_id();
  const auto given = lease();
  ask("cancel " + ids_json(runs).dump(), [&](auto& l) { l.request_cancel(given, runs); });
}

void LedgerCalls::plan_production() {
  ledger::PlanProduction item;
  item.job = job_id();
  item.spec.key = run_key(1);
  item.spec.name = "eval production";
  item.cluster = roll(5) == 0 ? "other" : "local";
  item.worker_run_id = "local/" + item.spec.key.text;
  item.gpu_us_reserved = 7;
  // Twice in one batch is refused, as no key may stand twice.
  const std::vector<ledger::PlanProduction> items(rarely() ? 2 : 1, item);
  const auto given = lease();
  ask(fmt::format("plan_production job {} {:.8}", item.job.value, item.spec.key.text),
      [&](auto& l) { l.plan_production(given, items); });
}

void LedgerCalls::record_production() {
  std::vector<ledger::ProductionRun> runs(static_cast<std::size_t>(1 + roll(2)));
  std::string what = "record_production";
  for (auto& run : runs) {
    run.cluster = roll(5) == 0 ? "other" : "local";
    run.native_id = fmt::format("pid-{}", roll(2));
    run.submitted_at_us = roll(4);
    run.attempt = 1 + roll(2);
    run.job = job_id();
    run.start_us = 1'700'000'000'000'000;
    run.end_us = run.start_us + (rarely() ? -1 : roll(1000));
    run.gpus = rarely() ? -1 : roll(5);
    run.state = roll(4) == 0 ? "failed" : "succeeded";
    if (roll(2) == 0) run.units = 100;
    run.champion = roll(4) != 0;
    what += fmt::format(" {} {} {} job {} champion {}", run.native_id, run.submitted_at_us,
                        run.attempt, run.job.value, run.champion);
  }
  const auto given = lease();
  ask(what, [&](auto& l) { l.record_production(given, runs); });
}

}  // namespace amdahl::test
