#include "judge_pairs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "amdahl/stats/estimate.hpp"

namespace amdahl::stats {

namespace {

constexpr double seconds_per_hour = 3600.0;

// GPU-hours per unit, or nothing when it cannot be known or is no positive number.
std::optional<double> cost_of(const LegEvidence& leg) {
  if (!leg.units) return std::nullopt;
  const double cost = gpu_hours(leg) / *leg.units;
  if (!std::isfinite(cost) || cost <= 0.0) return std::nullopt;
  return cost;
}

std::string missing_cost(const PairEvidence& pair, core::Arm arm, const LegEvidence& leg) {
  return fmt::format(
      "pair {}: the {}'s cost is unknown ({:.6g} s, {:.6g} units); a measured leg would settle it",
      pair.index, core::name(arm), leg.window_s, leg.units.value_or(0.0));
}

}  // namespace

double gpu_hours(const LegEvidence& leg) {
  const double slots = leg.gpus > 0.0 ? leg.gpus : 1.0;
  return slots * leg.window_s / seconds_per_hour;
}

bool both_finished(const PairEvidence& pair) {
  return pair.state == core::PairState::complete && !pair.baseline.failed && !pair.variant.failed;
}

PairScore score(const PairEvidence& pair) {
  if (pair.state != core::PairState::complete || pair.baseline.failed) return {};
  if (pair.variant.failed) {
    return {.counts = true, .d = -std::numeric_limits<double>::infinity()};
  }
  const auto baseline = cost_of(pair.baseline);
  const auto variant = cost_of(pair.variant);
  if (!baseline || !variant) return {};
  return {.counts = true, .d = log_ratio({.baseline = *baseline, .variant = *variant}).value()};
}

std::vector<const PairEvidence*> complete_pairs(std::span<const PairEvidence> pairs) {
  std::vector<const PairEvidence*> complete;
  for (const PairEvidence& pair : pairs) {
    if (pair.state == core::PairState::complete) complete.push_back(&pair);
  }
  return complete;
}

std::vector<const PairEvidence*> counted_prefix(std::span<const PairEvidence> pairs) {
  std::vector<const PairEvidence*> counted;
  std::int64_t expected = 1;
  for (const PairEvidence& pair : pairs) {
    if (pair.index != expected || pair.state == core::PairState::open) break;
    if (pair.state == core::PairState::complete) counted.push_back(&pair);
    ++expected;
  }
  return counted;
}

std::vector<double> log_ratios(std::span<const PairEvidence* const> pairs) {
  std::vector<double> d;
  for (const PairEvidence* pair : pairs) {
    const PairScore scored = score(*pair);
    if (scored.counts) d.push_back(scored.d);
  }
  return d;
}

std::vector<double> without_crashes(std::vector<double> d) {
  std::erase_if(d, [](double value) { return !std::isfinite(value); });
  return d;
}

std::optional<std::string> unknown_cost(std::span<const PairEvidence> pairs) {
  for (const PairEvidence& pair : pairs) {
    if (!both_finished(pair)) continue;
    if (!cost_of(pair.baseline)) return missing_cost(pair, core::Arm::baseline, pair.baseline);
    if (!cost_of(pair.variant)) return missing_cost(pair, core::Arm::variant, pair.variant);
  }
  return std::nullopt;
}

FailuresByArm failures_of(std::span<const PairEvidence> pairs) {
  FailuresByArm failures{.baseline = {0, 0}, .variant = {0, 0}};
  for (const PairEvidence* pair : complete_pairs(pairs)) {
    ++failures.baseline.runs;
    ++failures.variant.runs;
    if (pair->baseline.failed) ++failures.baseline.failed;
    if (pair->variant.failed) ++failures.variant.failed;
  }
  return failures;
}

std::string exits_of(std::span<const PairEvidence> pairs, core::Arm arm) {
  std::set<std::string> exits;
  for (const PairEvidence* pair : complete_pairs(pairs)) {
    const LegEvidence& leg = arm == core::Arm::baseline ? pair->baseline : pair->variant;
    if (leg.failed) exits.insert(leg.exit.empty() ? "unknown exit" : leg.exit);
  }
  return fmt::format("{}", fmt::join(exits, ", "));
}

}  // namespace amdahl::stats
