#pragma once

#include <fmt/format.h>

#include <string>

#include "amdahl/ledger/verify.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {

/// A ledger in which every chained table has rows: a win, production under it, a claw-back, an
/// abort.
struct Worked : LedgerDriver {
  Worked() {
    const auto job = add_job();
    auto decision =
        win_of(start_trial(job, {workers(4)}), core::baseline_configuration(example_job("eval")));
    ledger->decide(lease, std::span{&decision, 1});
    ledger::ProductionRun run;
    run.cluster = "local";
    run.native_id = "p-1";
    run.job = job;
    run.start_us = 1'700'000'000'000'000;
    run.end_us = run.start_us + 3'600'000'000;
    run.gpus = 4;
    run.state = "succeeded";
    run.champion = true;
    ledger->record_production(lease, std::span{&run, 1});
    live_run(start_trial(job, {workers(8)}), core::RunState::running);
    // No stage writes these yet: sealed as one would.
    db.script_as_owner(
        "SET search_path = amdahl; INSERT INTO ruling (experiment_id, kind, reason, fence) "
        "VALUES (1, 'promoted', 'held', 1); SELECT amdahl._seal()");
  }
  std::string tampered(const std::string& sql) {
    db.script_as_owner("SET LOCAL session_replication_role = replica; " + sql);
    const auto bad = ledger::verify_ledger(db.service_url()).first_bad;
    return bad ? fmt::format("{}/{}", bad->table, bad->key) : "nothing";
  }
};

}  // namespace amdahl::test
