// Registration, aborts and what is known: migrations/functions/06_experiments.sql.
#include <fmt/format.h>

#include "memory_rules.hpp"

namespace amdahl::simulation {

using core::ExperimentState;
using core::HypothesisState;

namespace {

bool only_resources(const std::vector<core::Change>& changes) {
  return std::all_of(changes.begin(), changes.end(),
                     [](const auto& change) { return change.kind == core::ChangeKind::resource; });
}

// Which decided experiment stands in the way of this change on another baseline; no code asks for
// whatever code.
const MemoryExperiment* near_duplicate(const MemoryState& state, core::JobId job_id,
                                       const std::vector<core::Change>& changes,
                                       const std::optional<std::string>& code) {
  const auto* job = state.job(job_id);
  if (job == nullptr || (job->champion_moves > 0 && only_resources(changes))) return nullptr;
  for (auto it = state.experiments.rbegin(); it != state.experiments.rend(); ++it) {
    if (it->job != job_id || it->kind != core::ExperimentKind::trial || !it->verdict ||
        it->protocol.changes != changes || (code && it->protocol.code_digest != *code))
      continue;
    const bool kept = std::any_of(state.keys.begin(), state.keys.end(), [&](const auto& key) {
      return key.experiment == it->id && !key.released;
    });
    const auto& wins = job->champion_wins;
    const bool counts = it->verdict->decision.outcome != core::VerdictOutcome::win ||
                        std::find(wins.begin(), wins.end(), it->id) != wins.end();
    if (kept && counts) return &*it;
  }
  return nullptr;
}

const MemoryExperiment* taken(const MemoryState& state, const std::string& fingerprint,
                              int replicate) {
  for (const auto& key : state.keys) {
    if (key.fingerprint == fingerprint && key.replicate == replicate && !key.released)
      return state.experiment(key.experiment);
  }
  return nullptr;
}

nlohmann::json summary(const MemoryExperiment* row) {
  if (row == nullptr) return nullptr;
  nlohmann::json out{{"experiment", row->id.value}, {"name", fmt::format("EXP-{}", row->id.value)}};
  out["outcome"] = row->verdict ? nlohmann::json(core::name(row->verdict->decision.outcome))
                                : nlohmann::json(nullptr);
  return out;
}

void reject_duplicate(Tx& tx, MemoryHypothesis* idea, const MemoryExperiment& of) {
  if (idea == nullptr) return;
  tx.set(idea->state, HypothesisState::rejected);
  tx.set(idea->duplicate_of, of.id);
  tx.close(tx.state.open_hypotheses, idea->id.value);
  tx.append({"hypothesis_rejected", fmt::format("hypothesis-{}", idea->id.value), "{}"});
}

core::ExperimentId insert_experiment(Tx& tx, const ledger::Registration& item, std::int64_t fence) {
  MemoryExperiment row;
  row.job = item.job;
  row.hypothesis = item.hypothesis;
  row.kind = item.protocol.kind;
  row.protocol = item.protocol;
  row.protocol.changes = canonical(item.protocol.changes);
  if (row.kind == core::ExperimentKind::trial) {
    row.t = tx.state.next_t;
    tx.set(tx.state.next_t, row.t + 1);
  }
  row.protocol.t = row.t;
  row.checks_planned = static_cast<int>(item.protocol.checks.size());
  row.salt =
      item.salt ? *item.salt : fmt::format("{:016x}{:016x}", tx.salts.next(), tx.salts.next());
  row.created_fence = fence;
  row.registered_at_us = tx.now_us();
  const core::ExperimentId id{++tx.state.last.experiment};
  row.id = id;
  require_check(row.kind == core::ExperimentKind::canary ? row.checks_planned == 0
                                                         : row.checks_planned % 2 == 1,
                "the number of checks");
  require_foreign(tx.state.job(item.job) != nullptr, "the job of an experiment");
  require_check(!row.salt.empty() && left(row.salt, 64) == row.salt, "the length of a salt");
  require_check(item.fingerprint.size() == 64 && item.replicate >= 0, "a fingerprint");
  tx.insert(tx.state.experiments, std::move(row));
  tx.open(tx.state.open_experiments, id.value);
  tx.insert(tx.state.keys,
            {core::fingerprint_version, item.fingerprint, item.replicate, id, false});
  return id;
}

void ask_to_abort(Tx& tx, MemoryExperiment& row, std::string_view reason) {
  if (row.state >= ExperimentState::decided || row.abort_requested) return;
  tx.set(row.abort_requested, true);
  tx.set(row.abort_reason, left(reason, 500));
  tx.append({"abort_requested", fmt::format("exp-{}", row.id.value), "{}"});
}

void void_open_pairs(Tx& tx, MemoryExperiment& row) {
  for (const auto pair_id : row.pair_ids) {
    auto& pair = *find_row(tx.state.pairs, pair_id);
    if (pair.state != core::PairState::open) continue;
    tx.set(pair.state, core::PairState::void_);
    tx.set(pair.void_reason, "operator: " + row.abort_reason);
    tx.set(row.pairs_void, row.pairs_void + 1);
  }
}

void finish_abort(Tx& tx, core::ExperimentId id) {
  auto* row = find_row(tx.state.experiments, id);
  if (row == nullptr || !row->abort_requested || row->state >= ExperimentState::decided ||
      has_live_run(tx.state, id))
    return;
  tx.set(row->state, ExperimentState::aborted);
  tx.set(row->ended_at_us, tx.now_us());
  tx.set(row->hold_reason, std::string{});
  tx.set(row->hold_since_us, std::int64_t{0});
  tx.close(tx.state.open_experiments, id.value);
  void_open_pairs(tx, *row);
  release_key(tx, *row);
  if (auto* idea = find_row(tx.state.hypotheses, row->hypothesis)) {
    tx.set(idea->state, HypothesisState::withdrawn);
    tx.set(idea->reason, row->abort_reason);
    tx.close(tx.state.open_hypotheses, idea->id.value);
  }
  auto& job = *find_row(tx.state.jobs, row->job);
  if (row->kind == core::ExperimentKind::canary && !job.paused) {
    tx.set(job.paused, true);
    tx.append({"job_paused", fmt::format("job-{}", job.id.value), "{}"});
  }
  tx.append({"experiment_aborted", fmt::format("exp-{}", id.value), "{}"});
}

}  // namespace

core::ExperimentId register_one(Tx& tx, const ledger::Registration& item, std::int64_t fence) {
  const auto* old = taken(tx.state, item.fingerprint, item.replicate);
  if (old != nullptr && old->hypothesis == item.hypothesis && old->state < ExperimentState::decided)
    return old->id;  // the same call again
  auto* idea = find_row(tx.state.hypotheses, item.hypothesis);
  if (item.hypothesis) {
    const bool known = idea != nullptr && idea->job == item.job;
    if (known && idea->state == HypothesisState::rejected) return {};
    if (!known || idea->state != HypothesisState::proposed)
      refuse("AM002", "the hypothesis cannot be registered");
  }
  if (old == nullptr && item.protocol.kind == core::ExperimentKind::trial && item.replicate == 0 &&
      !item.near_duplicate_ok)
    old = near_duplicate(tx.state, item.job, canonical(item.protocol.changes),
                         item.protocol.code_digest);
  if (old != nullptr) {
    reject_duplicate(tx, idea, *old);
    return {};
  }
  const auto id = insert_experiment(tx, item, fence);
  if (idea != nullptr) {
    tx.set(idea->state, HypothesisState::registered);
    tx.set(idea->experiment, id);
  }
  tx.append({"experiment_registered", fmt::format("exp-{}", id.value), "{}"});
  return id;
}

void release_key(Tx& tx, const MemoryExperiment& row) {
  for (auto& key : tx.state.keys) {
    if (key.experiment != row.id || key.released) continue;
    const bool before =
        std::any_of(tx.state.keys.begin(), tx.state.keys.end(), [&](const MemoryKey& other) {
          return other.fingerprint == key.fingerprint && other.replicate == key.replicate &&
                 other.released;
        });
    // Noise may be measured as often as needed; anything else gets one more try.
    if (row.kind == core::ExperimentKind::canary || !before) tx.set(key.released, true);
  }
}

void abort_experiments(Tx& tx, const std::vector<core::ExperimentId>& asked,
                       std::string_view reason) {
  const auto ids = in_order_once(asked);
  for (const auto id : ids)
    if (auto* row = find_row(tx.state.experiments, id)) ask_to_abort(tx, *row, reason);
  std::vector<core::RunId> sent;
  for (const auto id : std::vector{tx.state.live_runs}) {
    auto& run = *find_row(tx.state.runs, core::RunId{id});
    if (!run.experiment || !std::binary_search(ids.begin(), ids.end(), run.experiment)) continue;
    if (run.state == core::RunState::planned)
      end_unsent(tx, run, left(reason, 500));
    else
      sent.push_back(run.id);
  }
  request_cancel(tx, std::move(sent));
  finish_aborts(tx, ids);
}

void finish_aborts(Tx& tx, std::vector<core::ExperimentId> ids) {
  for (const auto id : in_order_once(std::move(ids))) finish_abort(tx, id);
}

nlohmann::json known(const MemoryState& state, const nlohmann::json& question) {
  const MemoryJob* job = nullptr;
  for (const auto& row : state.jobs)
    if (row.spec.name == question.at("job")) job = &row;
  const auto changes = core::changes_from_json(question.at("changes"));
  std::optional<std::string> code;
  if (const auto asked = question.find("code_digest"); asked != question.end()) code = *asked;
  const auto* near = job != nullptr && changes.has_value()
                         ? near_duplicate(state, job->id, *changes, code)
                         : nullptr;
  return {{"experiment", summary(taken(state, question.value("fingerprint", std::string{}), 0))},
          {"near", summary(near)}};
}

}  // namespace amdahl::simulation
