// Nomination, extension, hold and verdicts: migrations/functions/06 (advance) and 09_decide.sql.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "memory_rules.hpp"

namespace amdahl::simulation {

using core::ExperimentKind;
using core::ExperimentState;
using core::VerdictOutcome;

namespace {

// JSON has no infinities.
double finite(double value) {
  if (std::isnan(value)) return 0;
  return std::clamp(value, std::numeric_limits<double>::lowest(),
                    std::numeric_limits<double>::max());
}
std::optional<double> finite_or_none(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

void add_check(Tx& tx, MemoryExperiment& row, int check_no, core::CheckKind kind, int planned) {
  require_check(planned > 0, "the planned pairs of a check");
  auto checks = row.checks;
  checks.push_back({check_no, kind, planned, {}, {}});
  tx.replace(row.checks, std::move(checks));
}

void nominate(Tx& tx, MemoryExperiment& row, ledger::NominationRow nomination) {
  if (row.state > ExperimentState::refuting) refuse("AM002", "the experiment is closed");
  tx.set(row.state, ExperimentState::refuting);
  nomination.claim = finite(nomination.claim);
  nomination.at_us = tx.now_us();
  tx.replace(row.nomination, std::optional{nomination});
  for (int i = 0; i < row.checks_planned; ++i)
    add_check(tx, row, i + 1, row.protocol.checks[static_cast<std::size_t>(i)].kind,
              nomination.pairs_per_check);
  tx.append({"experiment_nominated", fmt::format("exp-{}", row.id.value), "{}"});
}

void hold(Tx& tx, MemoryExperiment& row, const std::string& reason) {
  if (reason == row.hold_reason) return;
  tx.set(row.hold_reason, left(reason, 500));
  if (reason.empty()) tx.set(row.hold_since_us, std::int64_t{0});
  if (!reason.empty() && row.hold_since_us == 0) tx.set(row.hold_since_us, tx.now_us());
  tx.append({reason.empty() ? "hold_lifted" : "experiment_held",
             fmt::format("exp-{}", row.id.value), "{}"});
}

void cast_votes(Tx& tx, MemoryExperiment& row, const ledger::Decision& item) {
  auto checks = row.checks;
  for (const auto& vote : item.votes) {
    for (auto& check : checks) {
      if (check.check_no != vote.check_no || check.kind == core::CheckKind::extension) continue;
      check.vote = vote.vote;
      check.mean = finite_or_none(vote.mean);
    }
  }
  if (checks != row.checks) tx.replace(row.checks, std::move(checks));
}

// What the verdict claims is recounted: amdahl._check_verdict.
void check_verdict(Tx& tx, const MemoryExperiment& row, const ledger::Decision& item) {
  if (row.state > ExperimentState::refuting) refuse("AM002", "the experiment is closed");
  if (has_live_run(tx.state, row.id)) refuse("AM008", "the experiment has live runs");
  int upholds = 0;
  int refutes = 0;
  for (const auto& check : row.checks) {
    upholds += check.vote == core::Vote::uphold;
    refutes += check.vote == core::Vote::refute;
  }
  if (upholds != item.upholds || refutes != item.refutes) refuse("AM006", "the tally is false");
  if (item.outcome != VerdictOutcome::win) return;
  if (2 * upholds <= row.checks_planned || row.kind == ExperimentKind::canary ||
      finite(item.e_value) < finite(item.e_needed))
    refuse("AM006", "the experiment is no win");
  if (row.kind != ExperimentKind::trial) return;
  if (tx.state.wins != item.wins_before) refuse("AM003", "the count of wins has moved");
  tx.set(tx.state.wins, tx.state.wins + 1);
}

void tell_job(Tx& tx, const MemoryExperiment& row, const ledger::Decision& item) {
  auto& job = *find_row(tx.state.jobs, row.job);
  const auto ref = fmt::format("job-{}", job.id.value);
  if (const auto sigma0 = finite_or_none(item.sigma0)) {
    tx.set(job.sigma0, sigma0);
    tx.set(job.sigma0_from, row.id);
  }
  if (item.phase_share) tx.set(job.phase_share, item.phase_share);
  if (row.kind == ExperimentKind::canary && item.outcome == VerdictOutcome::void_ && !job.paused) {
    tx.set(job.paused, true);
    tx.append({"job_paused", ref, "{}"});
  }
  if (item.outcome == VerdictOutcome::win && item.champion) {
    tx.replace(job.champion, *item.champion);
    tx.set(job.champion_moves, job.champion_moves + 1);
    auto wins = job.champion_wins;
    wins.push_back(row.id);
    tx.replace(job.champion_wins, std::move(wins));
    tx.append({"champion_moved", ref, "{}"});
  }
}

}  // namespace

void advance_one(Tx& tx, const ledger::Advance& item) {
  auto* row = find_row(tx.state.experiments, item.experiment);
  if (row == nullptr) refuse("AM007", "no such experiment");
  if (item.nomination && !row->nomination) nominate(tx, *row, *item.nomination);
  if (item.register_extension && !row->extension_registered) {
    tx.set(row->extension_registered, true);
    add_check(tx, *row, row->checks_planned + 1, core::CheckKind::extension,
              row->protocol.extension_pairs);
    tx.append({"extension_registered", fmt::format("exp-{}", row->id.value), "{}"});
  }
  if (item.hold) hold(tx, *row, *item.hold);
}

void decide_one(Tx& tx, const ledger::Decision& item, std::int64_t fence) {
  auto* row = find_row(tx.state.experiments, item.experiment);
  if (row == nullptr) refuse("AM007", "no such experiment");
  if (row->verdict) {
    if (row->verdict->decision.outcome == item.outcome) return;  // the same call again
    refuse("AM009", "the experiment has another verdict");
  }
  cast_votes(tx, *row, item);
  check_verdict(tx, *row, item);
  require_check(!item.reason.empty(), "the reason of a verdict");
  tx.replace(row->verdict, std::optional{MemoryVerdict{item, row->salt, fence, tx.now_us()}});
  row->verdict->decision.lower = finite_or_none(item.lower);
  tx.set(row->state, ExperimentState::decided);
  tx.set(row->ended_at_us, tx.now_us());
  tx.set(row->hold_reason, std::string{});
  tx.set(row->hold_since_us, std::int64_t{0});
  tx.close(tx.state.open_experiments, row->id.value);
  if (auto* idea = find_row(tx.state.hypotheses, row->hypothesis)) {
    tx.set(idea->state, core::HypothesisState::decided);
    tx.set(idea->reason, left(item.reason, 2000));
    tx.close(tx.state.open_hypotheses, idea->id.value);
  }
  if (item.release_fingerprint) release_key(tx, *row);
  tx.append({"verdict_recorded", fmt::format("exp-{}", row->id.value), "{}"});
  tell_job(tx, *row, item);
}

}  // namespace amdahl::simulation
