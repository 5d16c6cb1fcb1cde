// Pairs, worker runs and the intent to submit: migrations/functions/07_submit.sql.
#include <fmt/format.h>

#include <cctype>

#include "amdahl/core/sha256.hpp"
#include "memory_rules.hpp"

namespace amdahl::simulation {

using core::ExperimentState;
using core::RunState;

namespace {

int coin(core::ExperimentId id, const std::string& salt, std::int64_t index) {
  return core::sha256(fmt::format("exp-{}:{}:{}", id.value, salt, index))[0] & 1;
}

bool is_run_key(std::string_view text) {  // ^al-[a-z2-7]{26}-[0-9]{1,2}$
  if ((text.size() != 31 && text.size() != 32) || text.substr(0, 3) != "al-" || text[29] != '-')
    return false;
  const auto body = text.substr(3, 26);
  const auto number = text.substr(30);
  return std::all_of(body.begin(), body.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); }) &&
         std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// GPU time is whole microseconds in the ledger.
double whole_us(double gpu_us) {
  if (!std::isfinite(gpu_us) || gpu_us <= 0) return 0;
  return static_cast<double>(std::llround(std::min(gpu_us, 9e15)));
}

void plan_attempt(Tx& tx, MemoryRun run) {
  const auto id = plan_run(tx, std::move(run));
  tx.append({"run_planned", fmt::format("run-{}", id.value), "{}"});
}

MemoryExperiment& open_for_pairs(Tx& tx, const ledger::OpenPair& item) {
  auto* row = find_row(tx.state.experiments, item.experiment);
  if (row == nullptr || row->state > ExperimentState::refuting || row->abort_requested)
    refuse("AM002", "no pair can be opened");
  if (item.check_no > 0 && std::none_of(row->checks.begin(), row->checks.end(),
                                        [&](const auto& c) { return c.check_no == item.check_no; }))
    refuse("AM007", "no such check");
  return *row;
}

void arm_submit(Tx& tx, MemoryRun& run, const std::string& spec_sha, std::int64_t fence) {
  if (run.state != RunState::planned && !run.submit_answer && run.absent_since_us == 0 &&
      run.submit_fence == fence)
    return;
  if (!run.spec_sha.empty() && run.spec_sha != spec_sha)
    refuse("AM010", "the run has another spec");
  tx.set(run.state, RunState::submitting);
  tx.set(run.spec_sha, spec_sha);
  tx.set(run.intent_xid, tx.id());
  tx.set(run.submit_fence, fence);
  tx.set(run.armed_at_us, tx.now_us());
  tx.set(run.submit_try, run.submit_try + 1);
  tx.replace(run.submit_answer, {});
  tx.set(run.submit_message, std::string{});
  tx.set(run.misses, 0);
  tx.set(run.absent_since_us, std::int64_t{0});
  tx.append({"run_armed", fmt::format("run-{}", run.id.value), "{}"});
}

}  // namespace

core::RunId plan_run(Tx& tx, MemoryRun run) {
  run.id = {++tx.state.last.run};
  require_check(is_run_key(run.key.text) && run.part >= 1 && run.part <= 2 && run.attempt <= 20,
                "the key, part or attempt of a run");
  for (const auto& other : tx.state.runs) {
    require_unique(other.key != run.key, "the key of a run");
    require_unique(other.worker_run_id != run.worker_run_id, "the worker's id of a run");
  }
  run.gpu_us_reserved = whole_us(run.gpu_us_reserved);
  run.planned_at_us = tx.now_us();
  const auto id = run.id;
  tx.open(tx.state.live_runs, id.value);
  tx.insert(tx.state.runs, std::move(run));
  return id;
}

bool has_key(const MemoryState& state, const core::RunKey& key) {
  return std::any_of(state.runs.begin(), state.runs.end(),
                     [&](const auto& run) { return run.key == key; });
}

bool has_live_run(const MemoryState& state, core::ExperimentId id) {
  return std::any_of(state.live_runs.begin(), state.live_runs.end(),
                     [&](auto run) { return state.run(core::RunId{run})->experiment == id; });
}

void open_pair(Tx& tx, const ledger::OpenPair& item) {
  if (has_key(tx.state, item.run_key)) return;
  auto& row = open_for_pairs(tx, item);
  if (row.state == ExperimentState::registered)
    tx.append({"experiment_started", fmt::format("exp-{}", row.id.value), "{}"});
  tx.set(row.pairs_registered, row.pairs_registered + 1);
  tx.set(row.state, std::max(row.state, ExperimentState::discovering));
  MemoryPair pair;
  pair.id = {++tx.state.last.pair};
  require_check(item.check_no >= 0, "the check of a pair");
  pair.experiment = item.experiment;
  pair.check_no = item.check_no;
  pair.index = row.pairs_registered;
  pair.coin = coin(row.id, row.salt, pair.index);
  pair.attempts = 1;
  auto ids = row.pair_ids;
  ids.push_back(pair.id);
  tx.replace(row.pair_ids, std::move(ids));
  tx.append({"pair_opened", fmt::format("pair-{}", pair.id.value), "{}"});
  MemoryRun run;
  run.key = item.run_key;
  run.pair = pair.id;
  run.experiment = item.experiment;
  run.job = row.job;
  run.cluster = item.cluster;
  run.worker_run_id = item.worker_run_id;
  run.gpu_us_reserved = item.gpu_us_reserved;
  tx.insert(tx.state.pairs, std::move(pair));
  plan_attempt(tx, std::move(run));
}

void retry_run(Tx& tx, const ledger::RetryRun& item) {
  if (has_key(tx.state, item.run_key)) return;
  auto* pair = find_row(tx.state.pairs, item.pair);
  const MemoryRun* last = nullptr;
  for (const auto& run : tx.state.runs) {
    if (item.pair && run.pair == item.pair && run.part == item.part) last = &run;
  }
  if (pair == nullptr || last == nullptr || last->state != RunState::ended ||
      pair->state != core::PairState::open ||
      tx.state.experiment(pair->experiment)->abort_requested)
    refuse("AM002", "the pair cannot be run again");
  MemoryRun run;
  run.key = item.run_key;
  run.pair = item.pair;
  run.experiment = pair->experiment;
  run.job = last->job;
  run.part = item.part;
  run.attempt = last->attempt + 1;
  run.cluster = item.cluster;
  run.worker_run_id = item.worker_run_id;
  run.gpu_us_reserved = item.gpu_us_reserved;
  tx.replace_unsealed(pair->attempts, pair->attempts + 1);  // no column: the runs are counted
  plan_attempt(tx, std::move(run));
}

void arm_submits(Tx& tx, std::span<const core::RunId> runs, std::span<const std::string> spec_shas,
                 std::int64_t fence) {
  for (const auto id : runs) {
    const auto* run = tx.state.run(id);
    if (run == nullptr || run->state > RunState::submitting)
      refuse("AM002", "the run cannot be submitted");
  }
  for (const auto id : in_order_once(std::vector(runs.begin(), runs.end()))) {
    const auto at = std::find(runs.begin(), runs.end(), id) - runs.begin();
    arm_submit(tx, *find_row(tx.state.runs, id), spec_shas[static_cast<std::size_t>(at)], fence);
  }
}

void request_cancel(Tx& tx, std::vector<core::RunId> runs) {
  for (const auto id : in_order_once(std::move(runs))) {
    auto* run = find_row(tx.state.runs, id);
    if (run == nullptr || run->state == RunState::ended || run->cancel_requested) continue;
    tx.set(run->cancel_requested, true);
    tx.append({"cancel_requested", fmt::format("run-{}", id.value), "{}"});
  }
}

}  // namespace amdahl::simulation
