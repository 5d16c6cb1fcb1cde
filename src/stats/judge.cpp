#include "amdahl/stats/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "amdahl/core/invariant.hpp"
#include "amdahl/stats/claim.hpp"
#include "amdahl/stats/estimate.hpp"
#include "amdahl/stats/noise.hpp"
#include "amdahl/stats/votes.hpp"
#include "judge_checks.hpp"
#include "judge_gates.hpp"
#include "judge_pairs.hpp"
#include "judge_standing.hpp"
#include "judge_verdicts.hpp"

namespace amdahl::stats {

namespace {

// So many failures of one arm against none of the other need no more pairs.
constexpr int decisive_failures = 3;

// Most changes do nothing and are futile after the third pair or soon after: once there are enough
// pairs to nominate, what is in flight beyond the deciding one is wasted.
constexpr int discovery_in_flight = 2;

// An A/A canary gives up when as many pairs again have failed as it needs.
constexpr int canary_attempts_factor = 2;

// Pairs that may still be opened before the experiment must end, were no pair void from now on.
int pairs_left_max(const ExperimentEvidence& evidence) {
  const core::Protocol& protocol = evidence.protocol;
  const int discovery = count_pairs(evidence, 0).used();
  if (protocol.kind == core::ExperimentKind::canary) {
    return std::max(0, canary_attempts_factor * protocol.canary_pairs - discovery);
  }
  const int per_check =
      evidence.nomination ? evidence.nomination->pairs_per_check : check_pairs_max;
  int left = evidence.nomination ? 0 : std::max(0, protocol.pairs_max - discovery);
  for (int check_no = 1; check_no < extension_no(evidence); ++check_no) {
    left += std::max(0, per_check - count_pairs(evidence, check_no).used());
  }
  return left + std::max(0, protocol.extension_pairs -
                                count_pairs(evidence, extension_no(evidence)).used());
}

// Too many void pairs, were `pairs_left` more to complete.
std::optional<VerdictDraft> too_many_voids(const ExperimentEvidence& evidence, int pairs_left) {
  const core::Protocol& protocol = evidence.protocol;
  const VoidCount count = count_voids(evidence);
  if (count.registered < protocol.void_check_from) return std::nullopt;
  if (count.voided <= protocol.void_share_max * (count.registered + pairs_left)) {
    return std::nullopt;
  }
  return verdict(core::VerdictOutcome::void_,
                 fmt::format("{} of {} pairs are void, {} is the most that evidence may lose",
                             count.voided, count.registered, as_percent(protocol.void_share_max)));
}

std::optional<VerdictDraft> failing_arm(const ExperimentEvidence& evidence) {
  const auto [baseline, variant] = failures_of(evidence.pairs);
  if (baseline.runs >= decisive_failures && baseline.failed == baseline.runs) {
    return verdict(core::VerdictOutcome::void_,
                   fmt::format("the baseline failed in all {} pairs ({})", baseline.runs,
                               exits_of(evidence.pairs, core::Arm::baseline)));
  }
  if (variant.failed >= decisive_failures && baseline.failed == 0) {
    return verdict(
        core::VerdictOutcome::refuted,
        fmt::format("the variant failed in {} of {} pairs ({}), the baseline in none",
                    variant.failed, variant.runs, exits_of(evidence.pairs, core::Arm::variant)));
  }
  return std::nullopt;
}

// What ends any experiment at any time; true when `result` says what.
bool ends_early(const ExperimentEvidence& evidence, Assessment& result) {
  result.standing.gates = gates_underway(evidence);
  result.verdict = too_many_voids(evidence, pairs_left_max(evidence));
  if (!result.verdict) result.verdict = vetoed(result.standing.gates);
  const bool canary = evidence.protocol.kind == core::ExperimentKind::canary;
  if (!result.verdict && !canary) result.verdict = failing_arm(evidence);
  if (result.verdict) {
    // Nothing is claimed of a null change: what would refute a claim spoils the measurement.
    if (canary) result.verdict->outcome = core::VerdictOutcome::void_;
    return true;
  }
  result.hold = held(result.standing.gates);
  if (!result.hold) result.hold = unknown_cost(evidence.pairs);
  return result.hold.has_value();
}

void assess_canary(const ExperimentEvidence& evidence, Assessment& result) {
  const int wanted = evidence.protocol.canary_pairs;
  const PairCount count = count_pairs(evidence, 0);
  const std::vector<double> d = without_crashes(log_ratios(complete_pairs(evidence.pairs)));
  const int usable = static_cast<int>(d.size());
  if (usable >= wanted) {
    const NoiseFloor noise = noise_floor(d).value();
    result.verdict = verdict(
        core::VerdictOutcome::no_effect,
        noise.scale ? fmt::format("A/A: sigma0 is {:.6g} from {} pairs (scale {:.6g})",
                                  noise.sigma0, usable, *noise.scale)
                    : fmt::format("A/A: {} pairs are too few to measure sigma0, {:.6g} stays",
                                  usable, noise.sigma0));
    return;
  }
  const int attempts_left = canary_attempts_factor * wanted - count.used();
  const int missing = std::min(wanted - usable - count.open, attempts_left);
  if (missing > 0) {
    result.pairs.push_back({.check_no = 0, .count = missing});
  } else if (count.open == 0) {
    result.verdict =
        verdict(core::VerdictOutcome::void_,
                fmt::format("only {} of {} A/A pairs finished", usable, count.complete));
  }
}

// Discovery is over without a nomination: the vetoes speak first.
void end_discovery(const ExperimentEvidence& evidence, Assessment& result, VerdictDraft otherwise) {
  result.standing.gates = gates_after_discovery(evidence);
  result.verdict = vetoed(result.standing.gates);
  if (!result.verdict) result.verdict = std::move(otherwise);
}

void assess_discovery(const ExperimentEvidence& evidence, Assessment& result) {
  const core::Protocol& protocol = evidence.protocol;
  const Standing& standing = result.standing;
  if (auto nomination = earned_nomination(evidence)) {
    result.standing.gates = gates_after_discovery(evidence);
    result.verdict = vetoed(result.standing.gates);
    if (!result.verdict) result.nominate = nomination;
    return;
  }
  if (standing.futility && *standing.futility < protocol.futility_below) {
    end_discovery(
        evidence, result,
        verdict(core::VerdictOutcome::no_effect,
                fmt::format("after {} pairs an effect of at least {} has a probability of {}",
                            standing.pairs_counted, as_percent(saving(protocol.theta_mei)),
                            as_percent(*standing.futility))));
    return;
  }
  const PairCount count = count_pairs(evidence, 0);
  if (count.used() >= protocol.pairs_max) {
    end_discovery(
        evidence, result,
        verdict(core::VerdictOutcome::inconclusive,
                fmt::format("E = {:.4g} after the {} pairs that discovery may use, {:.4g} "
                            "needed",
                            standing.e_value, count.complete, protocol.nominate_at)));
    return;
  }
  const int in_flight =
      std::max(protocol.pairs_min - count.used(), discovery_in_flight - count.open);
  const int room = std::min(protocol.pairs_max - count.used(), in_flight);
  if (room > 0) result.pairs.push_back({.check_no = 0, .count = room});
}

}  // namespace

Assessment assess(const ExperimentEvidence& evidence) {
  const bool canary = evidence.protocol.kind == core::ExperimentKind::canary;
  core::invariant(canary || !evidence.protocol.checks.empty(), "a trial has refute checks");
  core::invariant(!evidence.nomination || evidence.nomination->pairs_per_check >= 1,
                  "a check has pairs");
  Assessment result;
  result.standing = standing_of(evidence);
  if (!ends_early(evidence, result)) {
    if (canary) {
      assess_canary(evidence, result);
    } else if (!evidence.nomination) {
      assess_discovery(evidence, result);
    } else {
      assess_checks(evidence, result);
    }
  }
  // A verdict counts every pair that was started; what is in flight may still change it.
  if (result.standing.pairs_open > 0) {
    result.verdict.reset();
    result.hold.reset();
  }
  if (result.verdict && result.verdict->outcome != core::VerdictOutcome::void_) {
    if (auto spoiled = too_many_voids(evidence, 0)) result.verdict = std::move(spoiled);
  }
  return result;
}

}  // namespace amdahl::stats
