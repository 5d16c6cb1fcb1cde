#include "amdahl/simulation/memory_ledger.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "amdahl/core/sha256.hpp"
#include "memory_transaction.hpp"

namespace amdahl::simulation {

using core::ExperimentState;
using core::HypothesisState;
using core::PairState;
using core::RunState;
using ledger::Lease;

namespace {

using Tx = MemoryTransaction;

void end_run(Tx& tx, MemoryRun& run, core::RunOutcome outcome, core::CauseClass cause,
             std::string reason, std::int64_t gpu_us) {
  if (run.state == RunState::ended) return;
  tx.set(run.state, RunState::ended);
  tx.replace(run.outcome, std::optional{outcome});
  tx.set(run.cause, cause);
  tx.set(run.reason, reason);
  tx.set(run.gpu_us_charged, gpu_us);
  tx.set(run.ended_at_us, tx.now_us());
  tx.set(run.misses, 0);
  tx.close(tx.state.live_runs, run.id.value);
  tx.append({"run_ended", fmt::format("run-{}", run.id.value), "{}"});
}

bool close_pair(Tx& tx, MemoryPair& pair, MemoryRun& run, PairState state, std::string reason) {
  if (pair.state != PairState::open) return false;
  tx.set(pair.state, state);
  if (state == PairState::void_) tx.set(pair.void_reason, std::move(reason));
  if (state == PairState::complete) {
    tx.set(pair.run, run.id);
    tx.replace(pair.legs, run.legs);
  }
  tx.replace(pair.nodes, run.nodes);
  if (!run.legs.empty()) tx.replace(pair.ran_first, std::optional{run.legs.front().arm});
  tx.append({state == PairState::complete ? "pair_completed" : "pair_voided",
             fmt::format("pair-{}", pair.id.value), "{}"});
  return true;
}

constexpr std::int64_t bucket_us = 600'000'000;

void settle_run(Tx& tx, const MemoryRun& run) {
  if (!run.experiment) return;
  auto& row = *find_row(tx.state.experiments, run.experiment);
  tx.set(row.spent_gpu_us, row.spent_gpu_us + run.gpu_us_charged);
  tx.set(tx.state.spent_gpu_us, tx.state.spent_gpu_us + run.gpu_us_charged);
  auto spend = tx.state.spend;
  spend[tx.now_us() / bucket_us * bucket_us] += run.gpu_us_charged;
  tx.replace(tx.state.spend, std::move(spend));
}

void settle_pair(Tx& tx, const MemoryPair& pair) {
  auto& row = *find_row(tx.state.experiments, pair.experiment);
  if (pair.state == PairState::complete) tx.set(row.pairs_complete, row.pairs_complete + 1);
  if (pair.state == PairState::void_) tx.set(row.pairs_void, row.pairs_void + 1);
}

bool release_key(Tx& tx, const MemoryExperiment& row) {
  bool any = false;
  for (auto& key : tx.state.keys) {
    if (key.experiment != row.id || key.released) continue;
    const bool before =
        std::any_of(tx.state.keys.begin(), tx.state.keys.end(), [&](const MemoryKey& other) {
          return other.fingerprint == key.fingerprint && other.replicate == key.replicate &&
                 other.released;
        });
    if (row.kind != core::ExperimentKind::canary && before) continue;
    tx.set(key.released, true);
    any = true;
  }
  return any;
}

bool has_live_run(const Tx& tx, core::ExperimentId id) {
  return std::any_of(tx.state.live_runs.begin(), tx.state.live_runs.end(),
                     [&](auto run) { return tx.state.run(core::RunId{run})->experiment == id; });
}

void finish_abort(Tx& tx, core::ExperimentId id) {
  auto* row = find_row(tx.state.experiments, id);
  if (row == nullptr || !row->abort_requested || row->state >= ExperimentState::decided ||
      has_live_run(tx, id))
    return;
  tx.set(row->state, ExperimentState::aborted);
  tx.set(row->hold_reason, std::string{});
  tx.set(row->hold_since_us, std::int64_t{0});
  tx.close(tx.state.open_experiments, id.value);
  for (const auto pair_id : row->pair_ids) {
    auto& pair = *find_row(tx.state.pairs, pair_id);
    if (pair.state != PairState::open) continue;
    tx.set(pair.state, PairState::void_);
    tx.set(pair.void_reason, "operator: " + row->abort_reason);
    tx.set(row->pairs_void, row->pairs_void + 1);
  }
  release_key(tx, *row);
  if (auto* idea = find_row(tx.state.hypotheses, row->hypothesis)) {
    tx.set(idea->state, HypothesisState::withdrawn);
    tx.close(tx.state.open_hypotheses, idea->id.value);
  }
  auto& job = *find_row(tx.state.jobs, row->job);
  if (row->kind == core::ExperimentKind::canary && !job.paused) {
    tx.set(job.paused, true);
    tx.append({"job_paused", fmt::format("job-{}", job.id.value), "{}"});
  }
  tx.append({"experiment_aborted", fmt::format("exp-{}", id.value), "{}"});
}

int coin(core::ExperimentId id, const std::string& salt, std::int64_t index) {
  return core::sha256(fmt::format("exp-{}:{}:{}", id.value, salt, index))[0] & 1;
}

bool only_resources(const std::vector<core::Change>& changes) {
  return std::all_of(changes.begin(), changes.end(),
                     [](const auto& change) { return change.kind == core::ChangeKind::resource; });
}

const MemoryExperiment* near_duplicate(const MemoryState& state, core::JobId job_id,
                                       const std::vector<core::Change>& changes,
                                       const std::string& code) {
  const auto* job = state.job(job_id);
  if (job == nullptr || (job->champion_moves > 0 && only_resources(changes))) return nullptr;
  for (auto it = state.experiments.rbegin(); it != state.experiments.rend(); ++it) {
    if (it->job != job_id || it->kind != core::ExperimentKind::trial || !it->verdict ||
        it->protocol.changes != changes || it->protocol.code_digest != code)
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

core::ExperimentId register_one(Tx& tx, const ledger::Registration& item, std::int64_t fence) {
  const auto* old = taken(tx.state, item.fingerprint, item.replicate);
  if (old != nullptr && old->hypothesis == item.hypothesis && old->state < ExperimentState::decided)
    return old->id;
  auto* idea = find_row(tx.state.hypotheses, item.hypothesis);
  if (item.hypothesis) {
    if (idea != nullptr && idea->state == HypothesisState::rejected) return {};
    if (idea == nullptr || idea->job != item.job || idea->state != HypothesisState::proposed)
      refuse("AM002", "the hypothesis cannot be registered");
  }
  if (old == nullptr && item.protocol.kind == core::ExperimentKind::trial && item.replicate == 0 &&
      !item.near_duplicate_ok)
    old = near_duplicate(tx.state, item.job, item.protocol.changes, item.protocol.code_digest);
  if (old != nullptr) {
    if (idea != nullptr) {
      tx.set(idea->state, HypothesisState::rejected);
      tx.set(idea->duplicate_of, old->id);
      tx.close(tx.state.open_hypotheses, idea->id.value);
      tx.append({"hypothesis_rejected", fmt::format("hypothesis-{}", idea->id.value), "{}"});
    }
    return {};
  }
  MemoryExperiment row;
  row.id = {++tx.state.last.experiment};
  row.job = item.job;
  row.hypothesis = item.hypothesis;
  row.kind = item.protocol.kind;
  row.protocol = item.protocol;
  if (row.kind == core::ExperimentKind::trial) {
    row.t = tx.state.next_t;
    tx.set(tx.state.next_t, row.t + 1);
  }
  row.protocol.t = row.t;
  row.checks_planned = static_cast<int>(item.protocol.checks.size());
  row.salt = item.salt.value_or(fmt::format("{:016x}{:016x}", tx.salts.next(), tx.salts.next()));
  row.created_fence = fence;
  row.registered_at_us = tx.now_us();
  const auto id = row.id;
  tx.insert(tx.state.experiments, std::move(row));
  tx.open(tx.state.open_experiments, id.value);
  tx.insert(tx.state.keys,
            {core::fingerprint_version, item.fingerprint, item.replicate, id, false});
  if (idea != nullptr) {
    tx.set(idea->state, HypothesisState::registered);
    tx.set(idea->experiment, id);
  }
  tx.append({"experiment_registered", fmt::format("exp-{}", id.value), "{}"});
  return id;
}

void plan_run(Tx& tx, MemoryRun run) {
  for (const auto& other : tx.state.runs) require_unique(other.key != run.key, "the run key");
  run.id = {++tx.state.last.run};
  run.planned_at_us = tx.now_us();
  tx.open(tx.state.live_runs, run.id.value);
  tx.append({"run_planned", fmt::format("run-{}", run.id.value), "{}"});
  tx.insert(tx.state.runs, std::move(run));
}

bool has_key(const Tx& tx, const core::RunKey& key) {
  return std::any_of(tx.state.runs.begin(), tx.state.runs.end(),
                     [&](const auto& run) { return run.key == key; });
}

void open_pair(Tx& tx, const ledger::OpenPair& item) {
  if (has_key(tx, item.run_key)) return;
  auto* row = find_row(tx.state.experiments, item.experiment);
  if (row == nullptr || row->state > ExperimentState::refuting || row->abort_requested)
    refuse("AM002", "no pair can be opened");
  if (item.check_no > 0 && std::none_of(row->checks.begin(), row->checks.end(),
                                        [&](const auto& c) { return c.check_no == item.check_no; }))
    refuse("AM007", "no such check");
  if (row->state == ExperimentState::registered)
    tx.append({"experiment_started", fmt::format("exp-{}", row->id.value), "{}"});
  tx.set(row->pairs_registered, row->pairs_registered + 1);
  tx.set(row->state, std::max(row->state, ExperimentState::discovering));
  MemoryPair pair;
  pair.id = {++tx.state.last.pair};
  pair.experiment = item.experiment;
  pair.check_no = item.check_no;
  pair.index = row->pairs_registered;
  pair.coin = coin(row->id, row->salt, pair.index);
  pair.attempts = 1;
  auto ids = row->pair_ids;
  ids.push_back(pair.id);
  tx.replace(row->pair_ids, std::move(ids));
  tx.append({"pair_opened", fmt::format("pair-{}", pair.id.value), "{}"});
  MemoryRun run;
  run.key = item.run_key;
  run.pair = pair.id;
  run.experiment = item.experiment;
  run.job = row->job;
  run.cluster = item.cluster;
  run.worker_run_id = item.worker_run_id;
  run.gpu_us_reserved = item.gpu_us_reserved;
  tx.insert(tx.state.pairs, std::move(pair));
  plan_run(tx, std::move(run));
}

void retry_run(Tx& tx, const ledger::RetryRun& item) {
  if (has_key(tx, item.run_key)) return;
  auto* pair = find_row(tx.state.pairs, item.pair);
  const MemoryRun* last = nullptr;
  for (const auto& run : tx.state.runs) {
    if (run.pair == item.pair) last = &run;
  }
  if (pair == nullptr || last == nullptr || last->state != RunState::ended ||
      pair->state != PairState::open || tx.state.experiment(pair->experiment)->abort_requested)
    refuse("AM002", "the pair cannot be run again");
  MemoryRun run;
  run.key = item.run_key;
  run.pair = item.pair;
  run.experiment = pair->experiment;
  run.job = last->job;
  run.attempt = last->attempt + 1;
  run.cluster = item.cluster;
  run.worker_run_id = item.worker_run_id;
  run.gpu_us_reserved = item.gpu_us_reserved;
  tx.set(pair->attempts, pair->attempts + 1);
  plan_run(tx, std::move(run));
}

void record_submit(Tx& tx, const ledger::RecordSubmit& item) {
  using Kind = ledger::RecordSubmit::Kind;
  auto* run = find_row(tx.state.runs, item.run);
  if (run == nullptr) refuse("AM007", "no such run");
  if (item.kind == Kind::accepted) {
    if (run->native_id == item.native_id) return;
    if (run->state == RunState::ended) refuse("AM010", "the run has ended");
    if (!run->native_id.empty()) refuse("AM010", "the run has another id");
    require_check(!item.native_id.empty(), "native_id");
    if (run->intent_xid == 0) refuse("AM004", "no committed intent");
    for (const auto id : tx.state.live_runs) {
      const auto& other = *tx.state.run(core::RunId{id});
      require_unique(other.id == run->id || other.cluster != run->cluster ||
                         other.native_id != item.native_id ||
                         other.native_at_us != item.native_at_us,
                     "the scheduler's id");
    }
    if (run->state == RunState::submitting) tx.set(run->state, RunState::submitted);
    tx.set(run->native_id, item.native_id);
    tx.set(run->native_at_us, item.native_at_us);
    tx.replace(run->submit_answer, std::optional{item.kind});
    tx.append({"run_submitted", fmt::format("run-{}", run->id.value), "{}"});
  } else if (item.kind == Kind::rejected) {
    if (run->state == RunState::ended) return;
    tx.replace(run->submit_answer, std::optional{item.kind});
    end_run(tx, *run, core::RunOutcome::rejected, core::CauseClass::policy, item.message, 0);
    settle_run(tx, *run);
    if (auto* pair = find_row(tx.state.pairs, run->pair))
      if (close_pair(tx, *pair, *run, PairState::void_, "rejected: " + item.message))
        settle_pair(tx, *pair);
  } else if (run->state == RunState::submitting && run->submit_answer != item.kind) {
    tx.replace(run->submit_answer, std::optional{item.kind});
    tx.append({item.kind == Kind::retry ? "submit_postponed" : "submit_unclear",
               fmt::format("run-{}", run->id.value), "{}"});
  }
}

void record_run(Tx& tx, const ledger::RecordRun& item) {
  auto* run = find_row(tx.state.runs, item.run);
  if (run == nullptr) refuse("AM007", "no such run");
  if (run->state == RunState::ended && item.state == RunState::ended &&
      run->outcome == item.outcome)
    return;
  if ((run->state != item.state && !core::may_follow(run->state, item.state)) ||
      run->state == RunState::ended)
    refuse("AM002", "the run cannot be recorded so");
  if (item.released && !run->released) {
    tx.set(run->released, true);
    tx.append({"run_released", fmt::format("run-{}", run->id.value), "{}"});
  }
  if (!item.nodes.empty()) tx.replace(run->nodes, item.nodes);
  if (item.misses && *item.misses != run->misses) {
    tx.set(run->misses, *item.misses);
    if (*item.misses == 0) tx.set(run->absent_since_us, std::int64_t{0});
    if (*item.misses > 0 && run->absent_since_us == 0) tx.set(run->absent_since_us, tx.now_us());
  }
  if (item.state == RunState::ended) {
    tx.replace(run->legs, item.legs);
    end_run(tx, *run, item.outcome.value(), item.cause, item.reason,
            static_cast<std::int64_t>(std::llround(item.gpu_us_charged)));
    settle_run(tx, *run);
    auto* pair = find_row(tx.state.pairs, run->pair);
    if (item.pair != PairState::open && pair != nullptr &&
        close_pair(tx, *pair, *run, item.pair, item.void_reason))
      settle_pair(tx, *pair);
  } else if (run->state != item.state) {
    tx.set(run->state, item.state);
    tx.append({"run_moved", fmt::format("run-{}", run->id.value), "{}"});
  }
}

void advance_one(Tx& tx, const ledger::Advance& item) {
  auto* row = find_row(tx.state.experiments, item.experiment);
  if (row == nullptr) refuse("AM007", "no such experiment");
  const auto ref = fmt::format("exp-{}", row->id.value);
  if (item.nomination && !row->nomination) {
    if (row->state > ExperimentState::refuting) refuse("AM002", "closed");
    tx.set(row->state, ExperimentState::refuting);
    auto nomination = *item.nomination;
    nomination.at_us = tx.now_us();
    tx.replace(row->nomination, std::optional{nomination});
    auto checks = row->checks;
    for (std::size_t i = 0; i < row->protocol.checks.size(); ++i)
      checks.push_back({static_cast<int>(i) + 1,
                        row->protocol.checks[i].kind,
                        nomination.pairs_per_check,
                        {},
                        {}});
    tx.replace(row->checks, std::move(checks));
    tx.append({"experiment_nominated", ref, "{}"});
  }
  if (item.register_extension && !row->extension_registered) {
    tx.set(row->extension_registered, true);
    auto checks = row->checks;
    checks.push_back({row->checks_planned + 1,
                      core::CheckKind::extension,
                      row->protocol.extension_pairs,
                      {},
                      {}});
    tx.replace(row->checks, std::move(checks));
    tx.append({"extension_registered", ref, "{}"});
  }
  if (item.hold && *item.hold != row->hold_reason) {
    tx.set(row->hold_reason, *item.hold);
    tx.set(row->hold_since_us, item.hold->empty() ? std::int64_t{0} : tx.now_us());
    tx.append({item.hold->empty() ? "hold_lifted" : "experiment_held", ref, "{}"});
  }
}

void decide_one(Tx& tx, const ledger::Decision& item, std::int64_t fence) {
  using core::VerdictOutcome;
  auto* row = find_row(tx.state.experiments, item.experiment);
  if (row == nullptr) refuse("AM007", "no such experiment");
  if (row->verdict) {
    if (row->verdict->decision.outcome == item.outcome) return;
    refuse("AM009", "it has a verdict");
  }
  if (row->state > ExperimentState::refuting) refuse("AM002", "closed");
  auto checks = row->checks;
  int upholds = 0, refutes = 0;
  for (const auto& vote : item.votes) {
    for (auto& check : checks) {
      if (check.check_no != vote.check_no || check.kind == core::CheckKind::extension) continue;
      check.vote = vote.vote;
      check.mean = vote.mean;
    }
  }
  for (const auto& check : checks) {
    upholds += check.vote == core::Vote::uphold;
    refutes += check.vote == core::Vote::refute;
  }
  tx.replace(row->checks, std::move(checks));
  if (has_live_run(tx, row->id)) refuse("AM008", "it has live runs");
  if (upholds != item.upholds || refutes != item.refutes) refuse("AM006", "a false tally");
  const bool win = item.outcome == VerdictOutcome::win;
  if (win && (2 * upholds <= row->checks_planned || row->kind == core::ExperimentKind::canary ||
              item.e_value < item.e_needed))
    refuse("AM006", "no win");
  if (win && row->kind == core::ExperimentKind::trial) {
    if (tx.state.wins != item.wins_before) refuse("AM003", "the count of wins has moved");
    tx.set(tx.state.wins, tx.state.wins + 1);
  }
  tx.replace(row->verdict, std::optional{MemoryVerdict{item, row->salt, fence, tx.now_us()}});
  tx.set(row->state, ExperimentState::decided);
  tx.set(row->hold_reason, std::string{});
  tx.set(row->hold_since_us, std::int64_t{0});
  tx.close(tx.state.open_experiments, row->id.value);
  if (auto* idea = find_row(tx.state.hypotheses, row->hypothesis)) {
    tx.set(idea->state, HypothesisState::decided);
    tx.close(tx.state.open_hypotheses, idea->id.value);
  }
  if (item.release_fingerprint) release_key(tx, *row);
  tx.append({"verdict_recorded", fmt::format("exp-{}", row->id.value), "{}"});
  auto& job = *find_row(tx.state.jobs, row->job);
  if (item.sigma0) {
    tx.replace(job.sigma0, item.sigma0);
    tx.set(job.sigma0_from, row->id);
  }
  if (item.phase_share) tx.replace(job.phase_share, item.phase_share);
  if (row->kind == core::ExperimentKind::canary && item.outcome == VerdictOutcome::void_ &&
      !job.paused) {
    tx.set(job.paused, true);
    tx.append({"job_paused", fmt::format("job-{}", job.id.value), "{}"});
  }
  if (win && item.champion) {
    tx.replace(job.champion, *item.champion);
    tx.set(job.champion_moves, job.champion_moves + 1);
    auto wins = job.champion_wins;
    wins.push_back(row->id);
    tx.replace(job.champion_wins, std::move(wins));
    tx.append({"champion_moved", fmt::format("job-{}", job.id.value), "{}"});
  }
}

void add_job(Tx& tx, const ledger::NewJob& item) {
  for (auto& job : tx.state.jobs) {
    if (job.spec.name != item.spec.name) continue;
    const auto ref = fmt::format("job-{}", job.id.value);
    if (!(job.spec == item.spec)) {
      tx.replace(job.spec, item.spec);
      tx.replace(job.champion, item.champion);
      tx.set(job.paused, false);
      if (!item.note.empty()) {
        tx.replace(job.champion_wins, {});
        tx.set(job.champion_moves, job.champion_moves + 1);
      }
      tx.append({"job_changed", ref, "{}"});
    } else if (job.paused) {
      tx.set(job.paused, false);
      tx.append({"job_resumed", ref, "{}"});
    }
    return;
  }
  MemoryJob job;
  job.id = {++tx.state.last.job};
  job.spec = item.spec;
  job.champion = item.champion;
  job.baseline = item.champion;
  tx.append({"job_added", fmt::format("job-{}", job.id.value), "{}"});
  tx.insert(tx.state.jobs, std::move(job));
}

core::HypothesisId add_idea(Tx& tx, const ledger::NewHypothesis& item) {
  for (const auto id : tx.state.open_hypotheses) {
    const auto& row = *tx.state.hypothesis(core::HypothesisId{id});
    if (row.job == item.job && row.changes == item.changes && row.replicate == item.replicate)
      return row.id;
  }
  MemoryHypothesis row;
  row.id = {++tx.state.last.hypothesis};
  row.job = item.job;
  row.source = item.source;
  row.state = item.needs_approval ? HypothesisState::awaiting_approval : HypothesisState::proposed;
  row.phase = item.phase;
  row.ceiling = item.ceiling;
  row.changes = item.changes;
  row.rationale = item.rationale;
  row.replicate = item.replicate;
  const auto id = row.id;
  tx.insert(tx.state.hypotheses, std::move(row));
  tx.open(tx.state.open_hypotheses, id.value);
  tx.append({"hypothesis_proposed", fmt::format("hypothesis-{}", id.value), "{}"});
  return id;
}

void record_production_run(Tx& tx, const ledger::ProductionRun& item) {
  for (const auto& row : tx.state.production) {
    if (row.run.cluster == item.cluster && row.run.native_id == item.native_id &&
        row.run.submitted_at_us == item.submitted_at_us && row.run.attempt == item.attempt)
      return;
  }
  MemoryProduction row;
  row.id = ++tx.state.last.production;
  row.run = item;
  row.gpu_us = (item.end_us - item.start_us) * item.gpus;
  if (item.champion) row.wins = tx.state.job(item.job)->champion_wins;
  for (auto it = tx.state.runs.rbegin(); it != tx.state.runs.rend(); ++it) {
    if (!it->production || it->key.text != item.native_id) continue;
    if (item.champion) row.wins = it->champion_wins;
    break;
  }
  for (const auto win : row.wins) {
    const auto lower = tx.state.experiment(win)->verdict->decision.lower.value_or(0);
    const auto gpu_us = static_cast<std::int64_t>(
        std::floor(static_cast<double>(row.gpu_us) * (std::exp(lower) - 1)));
    if (item.state != "succeeded" || lower <= 0 || gpu_us < 1) continue;
    tx.insert(tx.state.bank, {++tx.state.last.bank, win, row.id, gpu_us, month(item.end_us)});
    tx.set(tx.state.banked_gpu_us, tx.state.banked_gpu_us + gpu_us);
  }
  tx.append({"production_recorded", fmt::format("production-{}", row.id), "{}"});
  tx.insert(tx.state.production, std::move(row));
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
  if (state_.head.term == lease.term && state_.head.fence == lease.fence && state_.head.released)
    return;
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
  stage(lease, [&](Tx& tx) {
    for (const auto& job : jobs) add_job(tx, job);
  });
}

std::vector<core::HypothesisId> MemoryLedger::add_hypotheses(
    const Lease& lease, std::span<const ledger::NewHypothesis> hypotheses,
    std::span<const ledger::ProposedFor> proposed) {
  std::vector<core::HypothesisId> ids;
  stage(lease, [&](Tx& tx) {
    for (const auto& idea : hypotheses) ids.push_back(add_idea(tx, idea));
    for (const auto& item : proposed)
      if (auto* job = find_row(state_.jobs, item.job)) tx.set(job->proposed_for, item.proposed_for);
  });
  return ids;
}

void MemoryLedger::reject_hypotheses(const Lease& lease,
                                     std::span<const ledger::RejectHypothesis> rejections) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : rejections) {
      auto* row = find_row(state_.hypotheses, item.hypothesis);
      if (row == nullptr || row->state > HypothesisState::awaiting_approval) continue;
      tx.set(row->state, HypothesisState::rejected);
      tx.set(row->reason, item.reason);
      tx.close(state_.open_hypotheses, row->id.value);
      tx.append({"hypothesis_rejected", fmt::format("hypothesis-{}", row->id.value), "{}"});
    }
  });
}

void MemoryLedger::approve_hypotheses(const Lease& lease, std::span<const core::HypothesisId> ids) {
  stage(lease, [&](Tx& tx) {
    for (const auto id : ids) {
      auto* row = find_row(state_.hypotheses, id);
      if (row == nullptr || row->state != HypothesisState::awaiting_approval) continue;
      tx.set(row->state, HypothesisState::proposed);
      tx.set(row->approved, true);
      tx.append({"hypothesis_approved", fmt::format("hypothesis-{}", id.value), "{}"});
    }
  });
}

std::vector<core::ExperimentId> MemoryLedger::register_experiments(
    const Lease& lease, std::span<const ledger::Registration> registrations) {
  std::vector<core::ExperimentId> ids;
  stage(lease, [&](Tx& tx) {
    for (const auto& item : registrations) ids.push_back(register_one(tx, item, lease.fence));
  });
  return ids;
}

void MemoryLedger::open_and_retry(const Lease& lease, std::span<const ledger::OpenPair> pairs,
                                  std::span<const ledger::RetryRun> retries) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : pairs) open_pair(tx, item);
    for (const auto& item : retries) retry_run(tx, item);
  });
}

ledger::Head MemoryLedger::arm_submits(const Lease& lease, std::span<const core::RunId> runs,
                                       std::span<const std::string> spec_shas) {
  stage(lease, [&](Tx& tx) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      auto* run = find_row(state_.runs, runs[i]);
      if (run == nullptr || run->state > RunState::submitting)
        refuse("AM002", "the run cannot be submitted");
      const bool again =
          run->state == RunState::planned || run->submit_answer || run->submit_fence != lease.fence;
      if (!again) continue;
      if (!run->spec_sha.empty() && run->spec_sha != spec_shas[i])
        refuse("AM010", "the run has another spec");
      tx.set(run->state, RunState::submitting);
      tx.set(run->spec_sha, spec_shas[i]);
      tx.set(run->intent_xid, tx.id());
      tx.set(run->submit_fence, lease.fence);
      tx.set(run->armed_at_us, tx.now_us());
      tx.set(run->submit_try, run->submit_try + 1);
      tx.replace(run->submit_answer, {});
      tx.set(run->misses, 0);
      tx.set(run->absent_since_us, std::int64_t{0});
      tx.append({"run_armed", fmt::format("run-{}", run->id.value), "{}"});
    }
  });
  return state_.head;
}

void MemoryLedger::record_submits(const Lease& lease,
                                  std::span<const ledger::RecordSubmit> submits) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : submits) record_submit(tx, item);
    for (const auto& item : submits) finish_abort(tx, state_.run(item.run)->experiment);
  });
}

void MemoryLedger::record_runs(const Lease& lease, std::span<const ledger::RecordRun> runs) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : runs) record_run(tx, item);
    for (const auto& item : runs) finish_abort(tx, state_.run(item.run)->experiment);
  });
}

void MemoryLedger::advance_and_decide(const Lease& lease, std::span<const ledger::Advance> steps,
                                      std::span<const ledger::Decision> decisions) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : steps) advance_one(tx, item);
    for (const auto& item : decisions) decide_one(tx, item, lease.fence);
  });
}

void MemoryLedger::abort_experiments(const Lease& lease, std::span<const core::ExperimentId> ids,
                                     std::string_view reason) {
  stage(lease, [&](Tx& tx) {
    for (const auto id : ids) {
      auto* row = find_row(state_.experiments, id);
      if (row == nullptr || row->state >= ExperimentState::decided) continue;
      if (!row->abort_requested) {
        tx.set(row->abort_requested, true);
        tx.set(row->abort_reason, std::string{reason});
        tx.append({"abort_requested", fmt::format("exp-{}", id.value), "{}"});
      }
      for (auto& run : state_.runs) {
        if (run.experiment != id || run.state == RunState::ended) continue;
        if (run.state == RunState::planned) {
          end_run(tx, run, core::RunOutcome::cancelled, core::CauseClass::operator_,
                  std::string{reason}, 0);
        } else if (!run.cancel_requested) {
          tx.set(run.cancel_requested, true);
          tx.append({"cancel_requested", fmt::format("run-{}", run.id.value), "{}"});
        }
      }
      finish_abort(tx, id);
    }
  });
}

void MemoryLedger::request_cancel(const Lease& lease, std::span<const core::RunId> runs) {
  stage(lease, [&](Tx& tx) {
    for (const auto id : runs) {
      auto* run = find_row(state_.runs, id);
      if (run != nullptr && run->state != RunState::ended) tx.set(run->cancel_requested, true);
    }
  });
}

void MemoryLedger::set_paused(const Lease& lease, bool paused, std::string_view reason) {
  stage(lease, [&](Tx& tx) {
    if (state_.paused == paused) return;
    tx.replace_unsealed(state_.paused, bool{paused});
    tx.replace_unsealed(state_.paused_reason, std::string{reason});
    tx.append({paused ? "loop_paused" : "loop_resumed", "loop-1", "{}"});
  });
}

void MemoryLedger::plan_production(const Lease& lease,
                                   std::span<const ledger::PlanProduction> runs) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : runs) {
      if (has_key(tx, item.spec.key)) continue;
      MemoryRun run;
      run.key = item.spec.key;
      run.job = item.job;
      run.production = item.spec;
      run.champion_wins = state_.job(item.job)->champion_wins;
      run.cluster = item.cluster;
      run.worker_run_id = item.worker_run_id;
      run.gpu_us_reserved = item.gpu_us_reserved;
      plan_run(tx, std::move(run));
    }
  });
}

void MemoryLedger::record_production(const Lease& lease,
                                     std::span<const ledger::ProductionRun> runs) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : runs) record_production_run(tx, item);
  });
}

void MemoryLedger::finish_commands(const Lease& lease,
                                   std::span<const ledger::CommandDone> commands) {
  stage(lease, [&](Tx& tx) {
    for (const auto& item : commands) {
      for (auto& row : state_.commands) {
        if (row.row.key != item.key || row.done) continue;
        tx.replace_unsealed(row.done, true);
        tx.replace_unsealed(row.answer, item.answer);
        tx.close(state_.open_commands, row.id);
        tx.append({"command_finished", fmt::format("command-{}", row.id), "{}"});
      }
    }
  });
}

void MemoryLedger::note(const Lease& lease, std::string_view kind, std::string_view ref,
                        const nlohmann::json&) {
  stage(lease, [&](Tx& tx) { tx.append({std::string{kind}, std::string{ref}, "{}"}); });
}

void MemoryLedger::put_command(std::string_view key, std::string_view verb,
                               const nlohmann::json& args) {
  ++round_trips_;
  for (const auto& row : state_.commands)
    if (row.row.key == key) return;
  MemoryCommand row;
  row.id = ++state_.last.command;
  row.row = {std::string{key}, std::string{verb}, args};
  state_.commands.push_back(std::move(row));
  state_.open_commands.push_back(state_.last.command);
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
  for (const auto& question : args.at("questions")) {
    const MemoryJob* job = nullptr;
    for (const auto& row : state_.jobs)
      if (row.spec.name == question.at("job")) job = &row;
    const auto changes = core::changes_from_json(question.at("changes"));
    const bool good = job != nullptr && changes.has_value();
    answers.push_back(
        {{"experiment", summary(taken(state_, question.value("fingerprint", std::string{}), 0))},
         {"near", good ? summary(near_duplicate(state_, job->id, *changes,
                                                question.value("code_digest", std::string{})))
                       : nlohmann::json(nullptr)}});
  }
  return {{"answers", std::move(answers)}};
}

}  // namespace amdahl::simulation
