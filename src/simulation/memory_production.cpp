// Production runs and the savings bank: migrations/functions/10_bank.sql.
#include <fmt/format.h>

#include <cmath>

#include "memory_rules.hpp"

namespace amdahl::simulation {
namespace {

// Our own run knows which champion it was planned with; of others the champion of now counts.
std::vector<core::ExperimentId> wins_of(const MemoryState& state,
                                        const ledger::ProductionRun& item) {
  for (auto run = state.runs.rbegin(); run != state.runs.rend(); ++run) {
    if (run->production && run->cluster == item.cluster && run->key.text == item.native_id &&
        run->job == item.job)
      return run->champion_wins;
  }
  const auto* job = state.job(item.job);
  return job == nullptr ? std::vector<core::ExperimentId>{} : job->champion_wins;
}

void credit(Tx& tx, const MemoryProduction& row) {
  if (row.run.state != "succeeded") return;
  for (const auto win : row.wins) {
    const auto lower = tx.state.experiment(win)->verdict->decision.lower.value_or(0);
    const auto saved = std::floor(static_cast<double>(row.gpu_us) * (std::exp(lower) - 1));
    if (lower <= 0 || saved < 1) continue;
    const auto gpu_us = static_cast<std::int64_t>(saved);
    tx.insert(tx.state.bank, {++tx.state.last.bank, win, row.id, gpu_us, month(row.run.end_us)});
    tx.set(tx.state.banked_gpu_us, tx.state.banked_gpu_us + gpu_us);
  }
}

}  // namespace

void plan_production(Tx& tx, std::span<const ledger::PlanProduction> items) {
  std::vector<MemoryRun> fresh;  // all are looked up before the first is there
  for (const auto& item : items) {
    const auto* job = tx.state.job(item.job);
    if (job == nullptr || has_key(tx.state, item.spec.key)) continue;
    auto& run = fresh.emplace_back();
    run.key = item.spec.key;
    run.job = item.job;
    run.production = item.spec;
    run.champion_wins = job->champion_wins;
    run.cluster = item.cluster;
    run.worker_run_id = item.worker_run_id;
    run.gpu_us_reserved = item.gpu_us_reserved;
  }
  for (auto& run : fresh) {
    const auto id = plan_run(tx, std::move(run));
    tx.append({"production_planned", fmt::format("run-{}", id.value), "{}"});
  }
}

void record_production(Tx& tx, const ledger::ProductionRun& item) {
  MemoryProduction row;
  row.id = ++tx.state.last.production;
  row.run = item;
  row.gpu_us = (item.end_us - item.start_us) * item.gpus;
  require_check(item.gpus >= 0 && row.gpu_us >= 0 && item.end_us >= item.start_us,
                "the time of a production run");
  for (const auto& old : tx.state.production) {
    if (old.run.cluster == item.cluster && old.run.native_id == item.native_id &&
        old.run.submitted_at_us == item.submitted_at_us && old.run.attempt == item.attempt)
      return;
  }
  require_foreign(!item.job || tx.state.job(item.job) != nullptr, "the job of a production run");
  if (item.champion) row.wins = wins_of(tx.state, item);
  credit(tx, row);
  tx.append({"production_recorded", fmt::format("production-{}", row.id), "{}"});
  tx.insert(tx.state.production, std::move(row));
}

}  // namespace amdahl::simulation
