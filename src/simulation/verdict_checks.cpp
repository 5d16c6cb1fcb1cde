#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "rest_checks.hpp"

// Verdicts, told again from the pairs by the letter of judge.md, without the judge's code.

namespace amdahl::simulation {
namespace {

using core::Arm;
using core::ExperimentKind;
using core::PairState;
using core::VerdictOutcome;
using core::Vote;

bool failed(const core::LegResult& leg) {
  return leg.timed_out || leg.exit_code.value_or(0) != 0 || !leg.started;
}

// ln(cost of the baseline / cost of the variant); −∞ when only the variant failed.
std::optional<double> d_of(const MemoryPair& pair) {
  const core::LegResult* arms[2] = {nullptr, nullptr};
  for (const auto& leg : pair.legs) arms[leg.arm == Arm::variant ? 1 : 0] = &leg;
  if (arms[0] == nullptr || arms[1] == nullptr || failed(*arms[0])) return std::nullopt;
  if (failed(*arms[1])) return -std::numeric_limits<double>::infinity();
  const auto cost = [](const core::LegResult& leg) {
    return static_cast<double>(leg.gpus) * static_cast<double>(leg.window_us) / leg.units.value();
  };
  return std::log(cost(*arms[0]) / cost(*arms[1]));
}

std::vector<const MemoryPair*> pairs_of(const World& world, const MemoryExperiment& row,
                                        int check_no) {
  std::vector<const MemoryPair*> pairs;
  for (const auto id : row.pair_ids) {
    const auto* pair = world.ledger.pair(id);
    if (pair->check_no == check_no && pair->state == PairState::complete) pairs.push_back(pair);
  }
  return pairs;
}

void check_ballot(World& world, const MemoryExperiment& row) {
  const auto& decision = row.verdict->decision;
  int upholds = 0, refutes = 0;
  for (const auto& vote : decision.votes) {
    const auto pairs = pairs_of(world, row, vote.check_no);
    double sum = 0;
    int counted = 0;
    for (const auto* pair : pairs) {
      if (const auto d = d_of(*pair)) {
        sum += *d;
        ++counted;
      }
    }
    const double mean = counted > 0 ? sum / counted : 0;
    const bool same = mean == vote.mean || std::abs(mean - vote.mean) < 1e-9;
    if (!row.nomination || static_cast<int>(pairs.size()) < row.nomination->pairs_per_check ||
        !same) {
      world.breaks("a vote rests on its own fresh pairs",
                   fmt::format("check {} of EXP-{} says {} and its {} pairs say {}", vote.check_no,
                               row.id.value, vote.mean, pairs.size(), mean));
    }
    const double claim = row.nomination ? row.nomination->claim : 0;
    const auto due = mean >= 0.5 * claim   ? Vote::uphold
                     : mean < 0.25 * claim ? Vote::refute
                                           : Vote::inconclusive;
    if (vote.vote != due)
      world.breaks("a vote follows its rule",
                   fmt::format("check {} of EXP-{}", vote.check_no, row.id.value));
    upholds += vote.vote == Vote::uphold;
    refutes += vote.vote == Vote::refute;
  }
  const bool win = decision.outcome == VerdictOutcome::win;
  const auto registered = static_cast<int>(row.protocol.checks.size());
  if (upholds != decision.upholds || refutes != decision.refutes ||
      (win && 2 * upholds <= registered)) {
    world.breaks("the tally is true",
                 fmt::format("EXP-{}: {} of {} uphold, {} claimed", row.id.value, upholds,
                             registered, decision.upholds));
  }
  if (win && decision.e_value < decision.e_needed)
    world.breaks("a win has its evidence", fmt::format("EXP-{}", row.id.value));
}

// What the change really does, when each of its parts does the same.
void check_truth(World& world, const MemoryExperiment& row) {
  const auto outcome = row.verdict->decision.outcome;
  if (row.protocol.changes.size() != 1) return;
  const auto& change = row.protocol.changes.front();
  const auto effect = world.truth.effect(change.name, change.value);
  const auto before = row.protocol.baseline.args.find(change.name);
  const bool from_zero = before != row.protocol.baseline.args.end() && before->second == "0";
  const bool bad = effect == Effect::harms || effect == Effect::crashes;
  if (outcome == VerdictOutcome::win && bad)
    world.breaks("what harms does not win", fmt::format("EXP-{} won", row.id.value));
  const bool denied = outcome == VerdictOutcome::refuted || outcome == VerdictOutcome::no_effect;
  if (effect == Effect::wins && from_zero && denied) {
    world.breaks("what halves the cost is not denied",
                 fmt::format("EXP-{}: {}", row.id.value, row.verdict->decision.reason));
  }
}

std::int64_t seq_of(const World& world, std::string_view kind, const std::string& ref) {
  for (const auto& event : world.ledger.events) {
    if (event.kind == kind && event.ref == ref) return event.seq;
  }
  return 0;
}

// Evidence is read over the contiguous prefix: what nominated had no gap in it.
void check_prefix(World& world, const MemoryExperiment& row) {
  if (!row.nomination) return;
  const auto nominated = seq_of(world, "experiment_nominated", fmt::format("exp-{}", row.id.value));
  for (const auto id : row.pair_ids) {
    const auto* pair = world.ledger.pair(id);
    if (pair->index > row.nomination->last_index) break;
    const auto ref = fmt::format("pair-{}", pair->id.value);
    const auto closed =
        std::max(seq_of(world, "pair_completed", ref), seq_of(world, "pair_voided", ref));
    if (closed == 0 || closed > nominated) {
      world.breaks("evidence is read over the contiguous prefix",
                   fmt::format("EXP-{} was nominated over pair {} while pair {} was open",
                               row.id.value, row.nomination->last_index, pair->index));
    }
  }
}

bool released(const World& world, core::ExperimentId id) {
  return std::any_of(world.ledger.keys.begin(), world.ledger.keys.end(),
                     [&](const auto& key) { return key.experiment == id && key.released; });
}

int replicate_of(const World& world, core::ExperimentId id) {
  for (const auto& key : world.ledger.keys) {
    if (key.experiment == id) return key.replicate;
  }
  return 0;
}

bool only_resources(const std::vector<core::Change>& changes) {
  return std::all_of(changes.begin(), changes.end(),
                     [](const auto& change) { return change.kind == core::ChangeKind::resource; });
}

}  // namespace

void check_verdicts(World& world) {
  for (const auto& row : world.ledger.experiments) {
    if ((row.state == core::ExperimentState::decided) != row.verdict.has_value())
      world.breaks("decided means a verdict", fmt::format("EXP-{}", row.id.value));
    if (!row.verdict || row.kind != ExperimentKind::trial) continue;
    check_ballot(world, row);
    if (world.lossy) continue;
    check_truth(world, row);
    check_prefix(world, row);
  }
}

void check_repetition(World& world) {
  const auto& all = world.ledger.experiments;
  for (auto later = all.begin(); later != all.end(); ++later) {
    if (later->kind != ExperimentKind::trial || replicate_of(world, later->id) != 0) continue;
    for (auto earlier = all.begin(); earlier != later; ++earlier) {
      const bool same_idea = earlier->kind == ExperimentKind::trial && earlier->job == later->job &&
                             earlier->protocol.changes == later->protocol.changes &&
                             earlier->protocol.code_digest == later->protocol.code_digest;
      if (!same_idea || released(world, earlier->id) || replicate_of(world, earlier->id) != 0)
        continue;
      const bool same_job = earlier->protocol.job.command == later->protocol.job.command &&
                            earlier->protocol.baseline == later->protocol.baseline;
      // On another baseline what was decided stays blocked too, but what a job can feed, and what
      // had won and was given up with its champion.
      const bool won =
          earlier->verdict && earlier->verdict->decision.outcome == VerdictOutcome::win;
      const bool blocks = earlier->verdict && !won && !only_resources(later->protocol.changes);
      if (same_job || blocks) {
        world.breaks("no experiment is repeated",
                     fmt::format("EXP-{} repeats EXP-{}", later->id.value, earlier->id.value));
      }
    }
  }
  for (const auto& idea : world.ledger.hypotheses) {
    if (!idea.duplicate_of) continue;
    if (world.ledger.experiment(idea.duplicate_of)->protocol.changes != idea.changes) {
      world.breaks("a duplicate is one", fmt::format("hypothesis {} is no duplicate of EXP-{}",
                                                     idea.id.value, idea.duplicate_of.value));
    }
  }
}

}  // namespace amdahl::simulation
