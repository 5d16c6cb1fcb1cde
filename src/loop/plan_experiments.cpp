#include <fmt/format.h>

#include <algorithm>

#include "amdahl/core/quantity.hpp"
#include "amdahl/loop/evidence.hpp"
#include "amdahl/stats/noise.hpp"
#include "plan_context.hpp"

// From evidence to the next step of each open experiment: pairs, nomination, verdict.

namespace amdahl::loop {
namespace {

using core::ExperimentKind;
using core::VerdictOutcome;
using ledger::ExperimentRow;

int live_runs_of(const PlanContext& context, core::ExperimentId id) {
  return static_cast<int>(std::count_if(context.snapshot.live_runs.begin(),
                                        context.snapshot.live_runs.end(),
                                        [&](const auto& run) { return run.experiment == id; }));
}

bool has_live_run(const PlanContext& context, core::PairId id) {
  return std::any_of(context.snapshot.live_runs.begin(), context.snapshot.live_runs.end(),
                     [&](const auto& run) { return run.pair == id; });
}

bool run_just_ended(const PlanContext& context, core::ExperimentId id) {
  return std::any_of(context.actions.record_runs.begin(), context.actions.record_runs.end(),
                     [&](const auto& record) {
                       return record.state == core::RunState::ended &&
                              std::any_of(context.snapshot.live_runs.begin(),
                                          context.snapshot.live_runs.end(), [&](const auto& run) {
                                            return run.id == record.run && run.experiment == id;
                                          });
                     });
}

void open_pairs(PlanContext& context, const ExperimentRow& row, const stats::PairNeed& need) {
  const auto allocation = allocation_of(row.protocol);
  const auto cost = reserve_us(row.protocol.job, allocation, 2);
  const auto& cluster = row.protocol.job.cluster;
  for (int i = 0; i < need.count; ++i) {
    std::string why;
    if (!context.room.take(cluster, allocation, cost, why)) {
      return context.wait_for(fmt::format("EXP-{}: {}", row.id.value, why));
    }
    const auto key = context.new_run_key(1);
    context.actions.open_pairs.push_back(
        {row.id, need.check_no, cluster, key,
         core::worker_run_id(context.cluster(cluster)->kind, cluster, key), cost});
  }
}

// Runs that ended before any leg started left their pair open: the same pair, another attempt.
void retry_open_pairs(PlanContext& context, const ExperimentRow& row) {
  for (const auto& pair : row.pairs) {
    if (pair.state != core::PairState::open || has_live_run(context, pair.id)) continue;
    const auto& cluster = row.protocol.job.cluster;
    const auto* seen = context.cluster(cluster);
    if (seen == nullptr) continue;
    const auto allocation = allocation_of(row.protocol);
    const auto cost = reserve_us(row.protocol.job, allocation, 2);
    std::string why;
    if (!context.room.take(cluster, allocation, cost, why)) {
      context.wait_for(fmt::format("EXP-{}: {}", row.id.value, why));
      continue;
    }
    const auto key = context.new_run_key(pair.attempts + 1);
    context.actions.retry_runs.push_back(
        {pair.id, 1, cluster, key, core::worker_run_id(seen->kind, cluster, key), cost});
  }
}

std::vector<ledger::CheckVote> votes_of(const ExperimentRow& row, const stats::Standing& standing) {
  std::vector<ledger::CheckVote> votes;
  for (const auto& check : standing.checks) {
    if (check.check_no < 1 || check.check_no > static_cast<int>(row.protocol.checks.size()))
      continue;
    if (!check.vote) continue;
    votes.push_back({row.id, check.check_no, check.kind, *check.vote, check.mean.value_or(0)});
  }
  return votes;
}

// Whether the job's champion is no longer what this experiment tries to beat.
bool champion_moved(const PlanContext& context, const ExperimentRow& row) {
  const auto* job = context.job(row.job);
  return job != nullptr && !(job->champion == row.protocol.baseline);
}

void decide(PlanContext& context, const ExperimentRow& row, const stats::Standing& standing,
            const stats::VerdictDraft& draft) {
  ledger::Decision decision;
  decision.experiment = row.id;
  decision.outcome = draft.outcome;
  decision.reason = draft.reason;
  decision.upholds = standing.upholds;
  decision.refutes = standing.refutes;
  decision.e_value = standing.e_value;
  decision.e_needed = standing.e_needed;
  if (standing.mean && std::isfinite(*standing.mean)) decision.effect = standing.mean;
  if (std::isfinite(standing.interval.lower)) decision.lower = standing.interval.lower;
  if (std::isfinite(standing.interval.upper)) decision.upper = standing.interval.upper;
  decision.wins_before = context.snapshot.wins;
  decision.evidence = standing_json(standing);
  decision.votes = votes_of(row, standing);
  decision.release_fingerprint = draft.outcome == VerdictOutcome::void_;
  if (row.kind == ExperimentKind::canary) {
    decision.phase_share = phase_shares(row.pairs, std::nullopt);
    std::vector<double> d;
    for (const auto& pair : evidence_of(row, context.snapshot.wins).pairs) {
      if (pair.state != core::PairState::complete) continue;
      if (const auto scored = stats::score(pair); scored.counts && std::isfinite(scored.d))
        d.push_back(scored.d);
    }
    const auto noise = stats::noise_floor(d);
    if (draft.outcome == VerdictOutcome::no_effect && noise.has_value())
      decision.sigma0 = noise->sigma0;
  } else if (draft.outcome == VerdictOutcome::win) {
    // On a champion that moved meanwhile nothing is proved: the variant does not contain it.
    if (!champion_moved(context, row)) decision.champion = row.protocol.variant;
    decision.phase_share = phase_shares(row.pairs, core::Arm::variant);
  }
  context.actions.decide.push_back(std::move(decision));
}

// A hold ends by itself after its deadline: evidence that never came is `inconclusive`.
bool hold_is_over(const PlanContext& context, const ExperimentRow& row) {
  const auto deadline_us = std::chrono::microseconds{context.settings.hold_deadline}.count();
  return row.hold_since_us > 0 && context.snapshot.now_us - row.hold_since_us >= deadline_us;
}

void apply_hold(PlanContext& context, const ExperimentRow& row,
                const stats::Assessment& assessment) {
  if (hold_is_over(context, row)) {
    auto draft =
        stats::VerdictDraft{VerdictOutcome::inconclusive,
                            fmt::format("on hold past its deadline: {}", *assessment.hold)};
    decide(context, row, assessment.standing, draft);
    context.actions.decide.back().release_fingerprint = true;
    return;
  }
  context.wait_for(fmt::format("EXP-{}: hold: {}", row.id.value, *assessment.hold));
  if (row.hold_reason == *assessment.hold) return;
  ledger::Advance step;
  step.experiment = row.id;
  step.hold = *assessment.hold;
  context.actions.advance.push_back(std::move(step));
}

// What was in flight when it was put on hold brought what was missing.
void lift_hold(PlanContext& context, const ExperimentRow& row) {
  ledger::Advance step;
  step.experiment = row.id;
  step.hold = "";
  context.actions.advance.push_back(std::move(step));
}

// A later replication waits from the nomination on, by the database's clock.
bool is_too_early(PlanContext& context, const ExperimentRow& row, int check_no) {
  const auto& checks = row.protocol.checks;
  if (!row.nomination || check_no < 1 || check_no > static_cast<int>(checks.size())) return false;
  const auto delay_s = checks[static_cast<std::size_t>(check_no) - 1].delay_s;
  const auto left_s = (row.nomination->at_us - context.snapshot.now_us) / 1'000'000 + delay_s;
  if (delay_s == 0 || left_s <= 0) return false;
  context.actions.work_remains = true;  // it goes on without a person
  context.wait_for(fmt::format("EXP-{}: its later replication begins in {}", row.id.value,
                               core::format_duration(std::chrono::seconds{left_s})));
  return true;
}

void open_needed(PlanContext& context, const ExperimentRow& row,
                 const std::vector<stats::PairNeed>& needs) {
  for (const auto& need : needs) {
    if (!is_too_early(context, row, need.check_no)) open_pairs(context, row, need);
  }
}

void plan_experiment(PlanContext& context, const ExperimentRow& row) {
  auto& actions = context.actions;
  if (row.abort_requested) {
    if (live_runs_of(context, row.id) == 0) actions.abort.emplace_back(row.id, "");
    return;
  }
  // What was not proved yet gives its idea back, for the new champion; what is being refuted
  // finishes (design.md §8). The noise of the old one is still noise.
  if (row.kind == ExperimentKind::trial && !row.nomination && champion_moved(context, row)) {
    actions.abort.emplace_back(
        row.id,
        "the job's champion moved before anything was proved; propose it again on the new one");
    return;
  }
  // The rows read are older than the ends just seen: judge when they are recorded, next cycle.
  if (run_just_ended(context, row.id)) return;
  const auto assessment = stats::assess(evidence_of(row, context.snapshot.wins));
  // The judge gives no verdict while a pair is open, so no run of it is live here.
  if (assessment.verdict) {
    actions.standings.push_back({row.id, row.kind, assessment.standing});
    return decide(context, row, assessment.standing, *assessment.verdict);
  }
  if (assessment.nominate || assessment.register_extension) {
    ledger::Advance step;
    step.experiment = row.id;
    if (assessment.nominate) {
      step.nomination =
          ledger::NominationRow{assessment.nominate->claim, assessment.nominate->pairs_per_check,
                                assessment.nominate->last_index};
    }
    step.register_extension = assessment.register_extension;
    actions.advance.push_back(std::move(step));
    return;
  }
  retry_open_pairs(context, row);
  if (assessment.hold) return apply_hold(context, row, assessment);
  if (!row.hold_reason.empty()) lift_hold(context, row);
  if (context.snapshot.paused || row.paused) {
    return context.wait_for(context.snapshot.paused ? "paused: amdahl resume"
                                                    : fmt::format("EXP-{}: paused", row.id.value));
  }
  const auto opened = actions.open_pairs.size();
  open_needed(context, row, assessment.pairs);
  if (actions.open_pairs.size() > opened)
    actions.standings.push_back({row.id, row.kind, assessment.standing});
}

}  // namespace

void plan_experiments(PlanContext& context) {
  bool win_planned = false;
  for (const auto& row : context.snapshot.experiments) {
    const auto decided = context.actions.decide.size();
    plan_experiment(context, row);
    // Wins are declared one at a time: each reads how many there were before it.
    if (context.actions.decide.size() > decided &&
        context.actions.decide.back().outcome == VerdictOutcome::win) {
      if (win_planned) context.actions.decide.pop_back();
      win_planned = true;
    }
  }
}

}  // namespace amdahl::loop
