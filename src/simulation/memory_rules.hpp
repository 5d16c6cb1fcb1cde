#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memory_transaction.hpp"

// The stages of the ledger in memory, by the themes of migrations/functions/.
namespace amdahl::simulation {

using Tx = MemoryTransaction;

// ---- jobs, hypotheses, commands ----
void add_job(Tx& tx, const ledger::NewJob& item);
core::HypothesisId add_idea(Tx& tx, const ledger::NewHypothesis& item);
void reject_ideas(Tx& tx, std::span<const ledger::RejectHypothesis> rejections);
void approve_ideas(Tx& tx, std::span<const core::HypothesisId> ids);
void put_command(MemoryState& state, ledger::CommandRow command);
void finish_commands(Tx& tx, std::span<const ledger::CommandDone> commands);

// ---- experiments ----
/// 0 where it was a duplicate.
core::ExperimentId register_one(Tx& tx, const ledger::Registration& item, std::int64_t fence);
/// Gives the fingerprint back for one more try; the second time it stays taken.
void release_key(Tx& tx, const MemoryExperiment& row);
void abort_experiments(Tx& tx, const std::vector<core::ExperimentId>& ids, std::string_view reason);
/// Ends what was asked to abort and has no live run left.
void finish_aborts(Tx& tx, std::vector<core::ExperimentId> ids);
/// Answers one question of the view `known`.
nlohmann::json known(const MemoryState& state, const nlohmann::json& question);

// ---- verdicts ----
void advance_one(Tx& tx, const ledger::Advance& item);
void decide_one(Tx& tx, const ledger::Decision& item, std::int64_t fence);

// ---- pairs and runs ----
void open_pair(Tx& tx, const ledger::OpenPair& item);
void retry_run(Tx& tx, const ledger::RetryRun& item);
/// Inserts what is planned; the caller tells it.
core::RunId plan_run(Tx& tx, MemoryRun run);
bool has_key(const MemoryState& state, const core::RunKey& key);
bool has_live_run(const MemoryState& state, core::ExperimentId id);
void arm_submits(Tx& tx, std::span<const core::RunId> runs, std::span<const std::string> spec_shas,
                 std::int64_t fence);
void request_cancel(Tx& tx, std::vector<core::RunId> runs);

// ---- what was reported ----
void record_submit(Tx& tx, const ledger::RecordSubmit& item);
void record_run(Tx& tx, const ledger::RecordRun& item);
/// A run that never left us.
void end_unsent(Tx& tx, MemoryRun& run, std::string_view reason);

// ---- production ----
void plan_production(Tx& tx, std::span<const ledger::PlanProduction> items);
void record_production(Tx& tx, const ledger::ProductionRun& item);

/// The experiments of these runs.
template <class Item>
std::vector<core::ExperimentId> experiments_of(const MemoryState& state,
                                               std::span<const Item> items) {
  std::vector<core::ExperimentId> ids;
  for (const auto& item : items)
    if (const auto* run = state.run(item.run)) ids.push_back(run->experiment);
  return ids;
}

/// As JSON holds them, in whatever order they were given.
inline std::vector<core::Change> canonical(const std::vector<core::Change>& changes) {
  auto read = core::changes_from_json(core::to_json(changes));
  return read.has_value() ? std::move(*read) : changes;  // a canary changes nothing
}

template <class Id>
std::vector<Id> in_order_once(std::vector<Id> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace amdahl::simulation
