// Jobs, hypotheses and commands: migrations/functions/05_jobs.sql and 11_inbox.sql.
#include <fmt/format.h>

#include "memory_rules.hpp"

namespace amdahl::simulation {

using core::HypothesisState;

namespace {

void change_job(Tx& tx, MemoryJob& job, const ledger::NewJob& item) {
  tx.replace(job.spec, item.spec);
  tx.replace(job.champion, item.champion);
  tx.set(job.paused, false);
  if (!item.note.empty()) {
    tx.replace(job.champion_wins, {});
    tx.set(job.champion_moves, job.champion_moves + 1);
  }
  tx.append({"job_changed", fmt::format("job-{}", job.id.value), "{}"});
}

}  // namespace

void add_job(Tx& tx, const ledger::NewJob& item) {
  for (auto& job : tx.state.jobs) {
    if (job.spec.name != item.spec.name) continue;
    if (!(job.spec == item.spec)) {
      change_job(tx, job, item);
    } else if (job.paused) {
      tx.set(job.paused, false);
      tx.append({"job_resumed", fmt::format("job-{}", job.id.value), "{}"});
    }
    return;
  }
  MemoryJob job;
  job.id = {++tx.state.last.job};
  require_check(!item.spec.name.empty(), "the name of a job");
  job.spec = item.spec;
  job.champion = item.champion;
  job.baseline = core::baseline_configuration(item.spec);
  tx.append({"job_added", fmt::format("job-{}", job.id.value), "{}"});
  tx.insert(tx.state.jobs, std::move(job));
}

core::HypothesisId add_idea(Tx& tx, const ledger::NewHypothesis& item) {
  const auto changes = canonical(item.changes);
  for (const auto id : tx.state.open_hypotheses) {
    const auto& row = *tx.state.hypothesis(core::HypothesisId{id});
    if (row.job == item.job && row.changes == changes && row.replicate == item.replicate)
      return row.id;
  }
  MemoryHypothesis row;
  row.id = {++tx.state.last.hypothesis};
  require_check(item.replicate >= 0, "the replicate of a hypothesis");
  require_foreign(tx.state.job(item.job) != nullptr, "the job of a hypothesis");
  row.job = item.job;
  row.source = item.source;
  row.state = item.needs_approval ? HypothesisState::awaiting_approval : HypothesisState::proposed;
  row.phase = item.phase;
  if (item.ceiling && std::isfinite(*item.ceiling)) row.ceiling = item.ceiling;
  row.changes = changes;
  row.rationale = item.rationale;
  row.replicate = item.replicate;
  const auto id = row.id;
  tx.insert(tx.state.hypotheses, std::move(row));
  tx.open(tx.state.open_hypotheses, id.value);
  tx.append({"hypothesis_proposed", fmt::format("hypothesis-{}", id.value), "{}"});
  return id;
}

void reject_ideas(Tx& tx, std::span<const ledger::RejectHypothesis> rejections) {
  std::vector<core::HypothesisId> ids;
  for (const auto& item : rejections) ids.push_back(item.hypothesis);
  for (const auto id : in_order_once(std::move(ids))) {
    auto* row = find_row(tx.state.hypotheses, id);
    if (row == nullptr || row->state > HypothesisState::awaiting_approval) continue;
    const auto item = std::find_if(rejections.begin(), rejections.end(),
                                   [&](const auto& one) { return one.hypothesis == id; });
    tx.set(row->state, HypothesisState::rejected);
    tx.set(row->reason, left(item->reason, 2000));
    tx.close(tx.state.open_hypotheses, id.value);
    tx.append({"hypothesis_rejected", fmt::format("hypothesis-{}", id.value), "{}"});
  }
}

void approve_ideas(Tx& tx, std::span<const core::HypothesisId> ids) {
  for (const auto id : in_order_once(std::vector(ids.begin(), ids.end()))) {
    auto* row = find_row(tx.state.hypotheses, id);
    if (row == nullptr || row->state != HypothesisState::awaiting_approval) continue;
    tx.set(row->state, HypothesisState::proposed);
    tx.set(row->approved, true);
    tx.append({"hypothesis_approved", fmt::format("hypothesis-{}", id.value), "{}"});
  }
}

void put_command(MemoryState& state, ledger::CommandRow command) {
  if (state.open_commands.size() >= 1000) refuse("AM012", "1000 commands wait already");
  const auto id = ++state.last.command;
  const auto key = command.key;
  require_check(!key.empty() && left(key, 200) == key, "the key of a command");
  require_check(is_word(command.verb), "the verb of a command");
  require_check(jsonb_out(command.args).size() <= 4'194'304, "the size of a command");
  for (const auto& row : state.commands)
    if (row.row.key == key) return;
  state.commands.push_back({id, std::move(command), false, nullptr});
  state.open_commands.push_back(id);
}

void finish_commands(Tx& tx, std::span<const ledger::CommandDone> commands) {
  for (auto& row : tx.state.commands) {
    const auto item = std::find_if(commands.begin(), commands.end(),
                                   [&](const auto& one) { return one.key == row.row.key; });
    if (row.done || item == commands.end()) continue;
    require_check(!item->answer.is_null(), "the answer of a command");
    tx.replace_unsealed(row.done, true);
    tx.replace_unsealed(row.answer, item->answer);
    tx.close(tx.state.open_commands, row.id);
    tx.append({"command_finished", fmt::format("command-{}", row.id), "{}"});
  }
}

}  // namespace amdahl::simulation
