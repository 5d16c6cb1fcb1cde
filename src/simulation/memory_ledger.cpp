#include "amdahl/simulation/memory_ledger.hpp"

#include <nlohmann/json.hpp>

#include "amdahl/core/sha256.hpp"
#include "memory_rules.hpp"

namespace amdahl::simulation {

using ledger::Lease;

namespace {

// amdahl.read_witnesses: the places of those that this chain never had.
nlohmann::json unknown_witnesses(const MemoryState& state, const nlohmann::json& witnesses) {
  auto unknown = nlohmann::json::array();
  for (std::size_t i = 0; i < witnesses.size(); ++i) {
    const auto seq = witnesses[i].at("head_seq").get<std::int64_t>();
    const bool there = seq > 0 && seq <= static_cast<std::int64_t>(state.events.size());
    const auto hash =
        there ? core::hex(state.events[static_cast<std::size_t>(seq) - 1].hash).substr(0, 16) : "";
    if (!there || hash != witnesses[i].at("head_hash")) unknown.push_back(i);
  }
  return {{"unknown", std::move(unknown)}};
}

}  // namespace

MemoryLedger::MemoryLedger(MemoryState& state, core::Clock& database_clock, core::Random& salts)
    : state_{state}, clock_{database_clock}, salts_{salts} {}

template <class Work>
void MemoryLedger::stage(const Lease& lease, const Work& work) {
  ++round_trips_;
  Tx tx{state_, clock_, salts_};
  tx.lead(lease);
  work(tx);
  tx.seal();
  tx.commit();
}

ledger::Head MemoryLedger::head() {
  ++round_trips_;
  return state_.head;
}

std::optional<Lease> MemoryLedger::acquire(const ledger::Head& seen, std::string_view new_term,
                                           std::string_view holder) {
  ++round_trips_;
  require_uuid(new_term);
  Tx tx{state_, clock_, salts_};
  auto head = state_.head;
  if (head.term == new_term && !head.released) return Lease{head.term, head.fence};
  if (head.term != seen.term || head.renew_seq != seen.renew_seq || head.term == new_term)
    return std::nullopt;
  head.term = new_term;
  ++head.fence;
  ++head.renew_seq;
  head.holder = left(holder, 200);
  head.released = false;
  tx.replace_unsealed(state_.head, head);
  tx.append({"lease_acquired", "loop-1", "{}"});
  tx.commit();
  return Lease{std::string{new_term}, state_.head.fence};
}

void MemoryLedger::renew(const Lease& lease) {
  stage(lease, [&](Tx& tx) {
    auto head = state_.head;
    ++head.renew_seq;
    tx.replace_unsealed(state_.head, head);
  });
}

void MemoryLedger::release(const Lease& lease) {
  if (state_.head.term == lease.term && state_.head.fence == lease.fence && state_.head.released) {
    ++round_trips_;
    return;
  }
  stage(lease, [&](Tx& tx) {
    tx.append({"lease_released", "loop-1", "{}"});
    auto head = state_.head;
    head.released = true;
    ++head.renew_seq;
    tx.replace_unsealed(state_.head, head);
  });
}

ledger::Snapshot MemoryLedger::read_snapshot() {
  ++round_trips_;
  ledger::Snapshot out;
  out.head = state_.head;
  out.paused = state_.paused;
  out.now_us = clock_.now().time_since_epoch().count();
  for (const auto& job : state_.jobs) out.jobs.push_back(job);
  for (const auto id : state_.open_hypotheses)
    out.hypotheses.push_back(*state_.hypothesis(core::HypothesisId{id}));
  for (const auto id : state_.open_experiments) {
    const auto& row = *state_.experiment(core::ExperimentId{id});
    auto& copy = out.experiments.emplace_back(row);
    for (const auto pair : row.pair_ids) copy.pairs.push_back(*state_.pair(pair));
  }
  for (const auto id : state_.live_runs) {
    out.live_runs.push_back(*state_.run(core::RunId{id}));
    if (out.live_runs.back().experiment)
      out.gpu_us_reserved += out.live_runs.back().gpu_us_reserved;
  }
  for (const auto id : state_.open_commands) {
    if (out.commands.size() == 100) break;
    for (const auto& command : state_.commands)
      if (command.id == id) out.commands.push_back(command.row);
  }
  out.wins = state_.wins;
  out.next_t = state_.next_t;
  for (const auto& [at, gpu_us] : state_.spend) {
    if (at > out.now_us - 86'400'000'000) out.gpu_us_charged_today += static_cast<double>(gpu_us);
  }
  return out;
}

void MemoryLedger::add_jobs(const Lease& lease, std::span<const ledger::NewJob> jobs) {
  if (jobs.empty()) return;
  stage(lease, [&](Tx& tx) {
    for (const auto& job : jobs) add_job(tx, job);
  });
}

std::vector<core::HypothesisId> MemoryLedger::add_hypotheses(
    const Lease& lease, std::span<const ledger::NewHypothesis> hypotheses,
    std::span<const ledger::ProposedFor> proposed) {
  if (hypotheses.empty() && proposed.empty()) return {};
  std::vector<core::HypothesisId> ids;
  stage(lease, [&](Tx& tx) {
    std::vector<ledger::CommandDone> answers;
    for (const auto& idea : hypotheses) {
      ids.push_back(add_idea(tx, idea));
      if (idea.command.empty()) continue;
      answers.push_back({idea.command, {{"ok", true}, {"hypothesis", ids.back().value}}});
    }
    simulation::finish_commands(tx, answers);
    for (const auto& item : proposed)
      if (auto* job = find_row(state_.jobs, item.job)) tx.set(job->proposed_for, item.proposed_for);
  });
  return ids;
}

void MemoryLedger::reject_hypotheses(const Lease& lease,
                                     std::span<const ledger::RejectHypothesis> rejections) {
  if (!rejections.empty()) stage(lease, [&](Tx& tx) { reject_ideas(tx, rejections); });
}

void MemoryLedger::approve_hypotheses(const Lease& lease, std::span<const core::HypothesisId> ids) {
  if (!ids.empty()) stage(lease, [&](Tx& tx) { approve_ideas(tx, ids); });
}

std::vector<core::ExperimentId> MemoryLedger::register_experiments(
    const Lease& lease, std::span<const ledger::Registration> registrations) {
  if (registrations.empty()) return {};
  std::vector<core::ExperimentId> ids;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : registrations) ids.push_back(register_one(tx, item, lease.fence));
  });
  return ids;
}

// On PostgreSQL both halves are functions of their own, each with its seal.
void MemoryLedger::open_and_retry(const Lease& lease, std::span<const ledger::OpenPair> pairs,
                                  std::span<const ledger::RetryRun> retries) {
  if (pairs.empty() && retries.empty()) return;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : pairs) open_pair(tx, item);
    tx.seal();
    for (const auto& item : retries) retry_run(tx, item);
  });
}

ledger::Head MemoryLedger::arm_submits(const Lease& lease, std::span<const core::RunId> runs,
                                       std::span<const std::string> spec_shas) {
  stage(lease, [&](Tx& tx) { simulation::arm_submits(tx, runs, spec_shas, lease.fence); });
  return state_.head;
}

void MemoryLedger::record_submits(const Lease& lease,
                                  std::span<const ledger::RecordSubmit> submits) {
  if (submits.empty()) return;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : submits) record_submit(tx, item);
    finish_aborts(tx, experiments_of(state_, submits));
  });
}

void MemoryLedger::record_runs(const Lease& lease, std::span<const ledger::RecordRun> runs) {
  if (runs.empty()) return;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : runs) record_run(tx, item);
    finish_aborts(tx, experiments_of(state_, runs));
  });
}

void MemoryLedger::advance_and_decide(const Lease& lease, std::span<const ledger::Advance> steps,
                                      std::span<const ledger::Decision> decisions) {
  if (steps.empty() && decisions.empty()) return;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : steps) advance_one(tx, item);
    tx.seal();
    for (const auto& item : decisions) decide_one(tx, item, lease.fence);
  });
}

void MemoryLedger::abort_experiments(const Lease& lease, std::span<const core::ExperimentId> ids,
                                     std::string_view reason) {
  if (ids.empty()) return;
  stage(lease, [&](Tx& tx) {
    simulation::abort_experiments(tx, std::vector(ids.begin(), ids.end()), reason);
  });
}

void MemoryLedger::request_cancel(const Lease& lease, std::span<const core::RunId> runs) {
  if (runs.empty()) return;
  stage(lease,
        [&](Tx& tx) { simulation::request_cancel(tx, std::vector(runs.begin(), runs.end())); });
}

void MemoryLedger::set_paused(const Lease& lease, bool paused, std::string_view reason) {
  stage(lease, [&](Tx& tx) {
    if (state_.paused == paused) return;
    tx.replace_unsealed(state_.paused, bool{paused});
    tx.replace_unsealed(state_.paused_reason, paused ? left(reason, 500) : std::string{});
    tx.append({paused ? "loop_paused" : "loop_resumed", "loop-1", "{}"});
  });
}

void MemoryLedger::plan_production(const Lease& lease,
                                   std::span<const ledger::PlanProduction> runs) {
  if (!runs.empty()) stage(lease, [&](Tx& tx) { simulation::plan_production(tx, runs); });
}

void MemoryLedger::record_production(const Lease& lease,
                                     std::span<const ledger::ProductionRun> runs) {
  if (runs.empty()) return;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : runs) simulation::record_production(tx, item);
  });
}

void MemoryLedger::finish_commands(const Lease& lease,
                                   std::span<const ledger::CommandDone> commands) {
  if (!commands.empty()) stage(lease, [&](Tx& tx) { simulation::finish_commands(tx, commands); });
}

// No door leads into a simulated world, so none is ever pending.
void MemoryLedger::finish_deliveries(const Lease& lease, std::int64_t) {
  stage(lease, [](Tx&) {});
}

void MemoryLedger::note(const Lease& lease, std::string_view kind, std::string_view ref,
                        const nlohmann::json&) {
  stage(lease, [&](Tx& tx) { tx.append({std::string{kind}, std::string{ref}, "{}"}); });
}

void MemoryLedger::put_command(std::string_view key, std::string_view verb,
                               const nlohmann::json& args) {
  ++round_trips_;
  simulation::put_command(state_, {std::string{key}, std::string{verb}, args});
}

std::optional<nlohmann::json> MemoryLedger::command_answer(std::string_view key) {
  ++round_trips_;
  for (const auto& row : state_.commands)
    if (row.row.key == key && row.done) return row.answer;
  return std::nullopt;
}

nlohmann::json MemoryLedger::read(std::string_view view, const nlohmann::json& args) {
  ++round_trips_;
  if (view == "witnesses") return unknown_witnesses(state_, args.at("witnesses"));
  auto answers = nlohmann::json::array();
  for (const auto& question : args.at("questions")) answers.push_back(known(state_, question));
  nlohmann::json answer{{"answers", std::move(answers)}};
  if (args.contains("witnesses")) answer.update(unknown_witnesses(state_, args.at("witnesses")));
  return answer;
}

}  // namespace amdahl::simulation
