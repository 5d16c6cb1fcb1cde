// What schedulers and shims reported: record_submits of migrations/functions/07 and 08_record.sql.
#include <fmt/format.h>

#include "memory_rules.hpp"

namespace amdahl::simulation {

using core::PairState;
using core::RunState;

namespace {

constexpr std::int64_t bucket_us = 600'000'000;

struct End {
  core::RunOutcome outcome = core::RunOutcome::succeeded;
  core::CauseClass cause = core::CauseClass::none;
  std::string reason;
  std::int64_t gpu_us = 0;
};

void end_run(Tx& tx, MemoryRun& run, End end) {
  tx.set(run.state, RunState::ended);
  tx.replace(run.outcome, std::optional{end.outcome});
  tx.set(run.cause, end.cause);
  tx.set(run.reason, std::move(end.reason));
  tx.set(run.gpu_us_charged, end.gpu_us);
  tx.set(run.ended_at_us, tx.now_us());
  tx.set(run.misses, 0);
  tx.close(tx.state.live_runs, run.id.value);
  tx.append({"run_ended", fmt::format("run-{}", run.id.value), "{}"});
  if (!run.experiment || end.gpu_us == 0) return;
  auto& row = *find_row(tx.state.experiments, run.experiment);
  tx.set(row.spent_gpu_us, row.spent_gpu_us + end.gpu_us);
  tx.set(tx.state.spent_gpu_us, tx.state.spent_gpu_us + end.gpu_us);
  auto spend = tx.state.spend;
  spend[tx.now_us() / bucket_us * bucket_us] += end.gpu_us;
  tx.replace(tx.state.spend, std::move(spend));
}

// A closed pair stays as it is.
void close_pair(Tx& tx, const MemoryRun& run, PairState state, std::string reason) {
  auto* pair = find_row(tx.state.pairs, run.pair);
  if (pair == nullptr || pair->state != PairState::open) return;
  auto& row = *find_row(tx.state.experiments, pair->experiment);
  tx.set(pair->state, state);
  tx.replace(pair->nodes, run.nodes);
  if (!run.legs.empty()) tx.replace(pair->ran_first, std::optional{run.legs.front().arm});
  if (state == PairState::complete) {
    tx.set(pair->run, run.id);
    tx.replace(pair->legs, run.legs);
    tx.set(row.pairs_complete, row.pairs_complete + 1);
  } else {
    tx.set(pair->void_reason, std::move(reason));
    tx.set(row.pairs_void, row.pairs_void + 1);
  }
  tx.append({state == PairState::complete ? "pair_completed" : "pair_voided",
             fmt::format("pair-{}", pair->id.value), "{}"});
}

void accept(Tx& tx, MemoryRun& run, const ledger::RecordSubmit& item) {
  if (!run.native_id.empty() && run.native_id == item.native_id) return;
  if (run.state == RunState::ended) refuse("AM010", "the run has ended");
  if (!run.native_id.empty()) refuse("AM010", "the run has another id of the scheduler");
  if (run.intent_xid == 0) refuse("AM004", "the run has no committed intent");
  require_check(!item.native_id.empty(), "the scheduler's id");
  for (const auto id : tx.state.live_runs) {
    const auto& other = *tx.state.run(core::RunId{id});
    require_unique(other.id == run.id || other.cluster != run.cluster ||
                       other.native_id != item.native_id || other.native_at_us != item.native_at_us,
                   "the scheduler's id");
  }
  if (run.state == RunState::submitting) tx.set(run.state, RunState::submitted);
  tx.set(run.native_id, item.native_id);
  tx.set(run.native_at_us, item.native_at_us);
  tx.replace(run.submit_answer, std::optional{item.kind});
  tx.set(run.submit_message, left(item.message, 2000));
  tx.append({"run_submitted", fmt::format("run-{}", run.id.value), "{}"});
}

void reject(Tx& tx, MemoryRun& run, const ledger::RecordSubmit& item) {
  if (run.state == RunState::ended) return;
  tx.replace(run.submit_answer, std::optional{item.kind});
  tx.set(run.submit_message, left(item.message, 2000));
  end_run(tx, run,
          {core::RunOutcome::rejected, core::CauseClass::policy, left(item.message, 2000), 0});
  close_pair(tx, run, PairState::void_, "rejected: " + left(item.message, 500));
}

// The measurements of a run: one a leg, the first that is told.
void store_legs(Tx& tx, MemoryRun& run, const std::vector<core::LegResult>& legs) {
  require_check(legs.size() <= 2, "the position of a leg");
  auto stored = run.legs;
  for (const auto& leg : legs) {
    if (std::none_of(stored.begin(), stored.end(),
                     [&](const auto& other) { return other.arm == leg.arm; }))
      stored.push_back(leg);
  }
  if (stored != run.legs) tx.replace(run.legs, std::move(stored));
}

void note_absence(Tx& tx, MemoryRun& run, int misses) {
  if (misses == run.misses) return;
  tx.set(run.misses, misses);
  if (misses <= 0) tx.set(run.absent_since_us, std::int64_t{0});
  if (misses > 0 && run.absent_since_us == 0) tx.set(run.absent_since_us, tx.now_us());
}

void move_run(Tx& tx, MemoryRun& run, RunState state) {
  if (run.state == state) return;
  require_check(state < RunState::submitted || !run.native_id.empty(), "a run without native id");
  require_check(run.intent_xid != 0 && !run.spec_sha.empty(), "a run without intent");
  tx.set(run.state, state);
  tx.append({"run_moved", fmt::format("run-{}", run.id.value), "{}"});
}

// Finite and not negative, in whole microseconds.
std::int64_t charged(double gpu_us) {
  return std::isfinite(gpu_us) && gpu_us > 0 ? std::llround(std::min(gpu_us, 9e15)) : 0;
}

}  // namespace

void end_unsent(Tx& tx, MemoryRun& run, std::string_view reason) {
  end_run(tx, run,
          {core::RunOutcome::cancelled, core::CauseClass::operator_, std::string{reason}, 0});
}

void record_submit(Tx& tx, const ledger::RecordSubmit& item) {
  using Kind = ledger::RecordSubmit::Kind;
  auto* run = find_row(tx.state.runs, item.run);
  if (run == nullptr) refuse("AM007", "no such run");
  if (item.kind == Kind::accepted) return accept(tx, *run, item);
  if (item.kind == Kind::rejected) return reject(tx, *run, item);
  if (run->state != RunState::submitting || run->submit_answer == item.kind) return;
  tx.replace(run->submit_answer, std::optional{item.kind});
  tx.set(run->submit_message, left(item.message, 2000));
  tx.append({item.kind == Kind::retry ? "submit_postponed" : "submit_unclear",
             fmt::format("run-{}", run->id.value), "{}"});
}

void record_run(Tx& tx, const ledger::RecordRun& item) {
  auto* run = find_row(tx.state.runs, item.run);
  if (run == nullptr) refuse("AM007", "no such run");
  if (run->state == RunState::ended && item.state == RunState::ended &&
      run->outcome == item.outcome)
    return;  // the same end again
  if ((run->state != item.state && !core::may_follow(run->state, item.state)) ||
      run->state == RunState::ended)
    refuse("AM002", "the run cannot be recorded so");
  if (item.released && !run->released) {
    tx.set(run->released, true);
    tx.append({"run_released", fmt::format("run-{}", run->id.value), "{}"});
  }
  if (!item.nodes.empty()) tx.set(run->nodes, item.nodes);
  if (item.misses) note_absence(tx, *run, *item.misses);
  if (item.state != RunState::ended) return move_run(tx, *run, item.state);
  store_legs(tx, *run, item.legs);
  require_check(item.outcome.has_value(), "the outcome of an ended run");
  end_run(tx, *run,
          {*item.outcome, item.cause, left(item.reason, 2000), charged(item.gpu_us_charged)});
  if (item.pair != PairState::open) close_pair(tx, *run, item.pair, left(item.void_reason, 500));
}

}  // namespace amdahl::simulation
