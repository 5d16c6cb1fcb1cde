#include "judge_gates.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "judge_pairs.hpp"

namespace amdahl::stats {

namespace {

// Numbers that make no sense are a missing input, not a fault of the variant.
Gate or_hold(std::string_view name, core::Result<Gate> gate) {
  if (gate.has_value()) return *gate;
  return {name, GateOutcome::hold, gate.error().message};
}

std::optional<double> known(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

// G2. Equal units are required always, equal digests where there are digests.
Gate same_work(const ExperimentEvidence& evidence) {
  constexpr std::string_view name = "same_work";
  std::optional<Gate> held;
  int compared = 0;
  int without_digest = 0;
  const auto hold = [&](const PairEvidence& pair, std::string_view why) {
    if (!held) held = Gate{name, GateOutcome::hold, fmt::format("pair {}: {}", pair.index, why)};
  };
  for (const PairEvidence& pair : evidence.pairs) {
    if (!both_finished(pair)) continue;
    const LegEvidence& baseline = pair.baseline;
    const LegEvidence& variant = pair.variant;
    ++compared;
    if (!known(baseline.units) || !known(variant.units)) {
      hold(pair, "units of work are unknown");
    } else if (*baseline.units != *variant.units) {
      return {name, GateOutcome::veto,
              fmt::format("pair {}: the variant did {:.17g} units, the baseline {:.17g}",
                          pair.index, *variant.units, *baseline.units)};
    }
    if (baseline.sample_digest && variant.sample_digest) {
      if (*baseline.sample_digest != *variant.sample_digest) {
        return {name, GateOutcome::veto,
                fmt::format("pair {}: the arms worked on different samples", pair.index)};
      }
    } else if (baseline.sample_digest || variant.sample_digest) {
      hold(pair, "only one arm has a sample digest");
    } else {
      ++without_digest;
      if (evidence.protocol.job.digest_required) hold(pair, "sample digests are unknown");
    }
  }
  if (held) return *held;
  if (without_digest > 0) {
    return {name, GateOutcome::pass,
            fmt::format("equal units in {} pairs, digest unknown in {}", compared, without_digest)};
  }
  return {name, GateOutcome::pass, fmt::format("equal units and samples in {} pairs", compared)};
}

// G5.
Gate assignment_gate(const ExperimentEvidence& evidence) {
  if (evidence.pairs.empty()) {
    return {"assignment", GateOutcome::not_applicable, "no pair is registered yet"};
  }
  std::vector<AssignmentRecord> records;
  const int check_no_max = static_cast<int>(evidence.protocol.checks.size()) + 1;
  for (const PairEvidence& pair : evidence.pairs) {
    if (pair.check_no < 0 || pair.check_no > check_no_max) {
      return {"assignment", GateOutcome::veto,
              fmt::format("pair {} belongs to no registered check", pair.index)};
    }
    // A pair in flight is accounted for: no verdict is given before it has ended.
    const bool complete = pair.state == core::PairState::complete;
    std::optional<bool> variant_first;
    if (pair.ran_first) variant_first = *pair.ran_first == core::Arm::variant;
    records.push_back({.index = pair.index,
                       .coin_variant_first = pair.coin == 1,
                       .executed_variant_first = variant_first,
                       .fate = complete ? PairFate::complete : PairFate::voided});
  }
  return assignment(records);
}

// G10.
Gate clock_gate(const ExperimentEvidence& evidence) {
  std::vector<LegClock> legs;
  for (const PairEvidence* pair : complete_pairs(evidence.pairs)) {
    for (const LegEvidence& leg : {pair->baseline, pair->variant}) {
      if (leg.failed) continue;
      LegClock clock{.leg = Seconds{leg.window_s}, .hello_to_bye = std::nullopt};
      if (leg.inside_s) clock.hello_to_bye = Seconds{*leg.inside_s};
      legs.push_back(clock);
    }
  }
  return or_hold("clocks", clocks(legs));
}

// G1. At decision an unknown quality holds: a variant may not lose its bad results on the way.
Gate quality_gate(const ExperimentEvidence& evidence, bool at_decision) {
  constexpr std::string_view name = "quality";
  const core::JobSpec& job = evidence.protocol.job;
  if (!job.has_quality) {
    return {name, GateOutcome::not_applicable, "the job declares no quality metric"};
  }
  std::vector<double> delta;
  int unknown = 0;
  for (const PairEvidence& pair : evidence.pairs) {
    if (!both_finished(pair)) continue;
    const auto before = known(pair.baseline.quality);
    const auto after = known(pair.variant.quality);
    if (before && after) {
      delta.push_back(job.higher_is_better ? *before - *after : *after - *before);
    } else {
      ++unknown;
    }
  }
  const QualityLoss loss{.delta = delta, .margin = evidence.protocol.quality_margin};
  if (!at_decision) return or_hold(name, quality_at_nomination(loss));
  Gate gate = or_hold(name, quality_at_decision(loss));
  if (gate.outcome != GateOutcome::veto && unknown > 0) {
    return {name, GateOutcome::hold, fmt::format("quality is unknown in {} pairs", unknown)};
  }
  return gate;
}

// What a failed leg did until then is lost work: its cost counts, its units do not.
ArmCost arm_cost(const ExperimentEvidence& evidence, core::Arm arm) {
  ArmCost cost{.gpu_hours = 0.0, .units = 0.0};
  for (const PairEvidence* pair : complete_pairs(evidence.pairs)) {
    const LegEvidence& leg = arm == core::Arm::baseline ? pair->baseline : pair->variant;
    cost.gpu_hours += gpu_hours(leg);
    if (!leg.failed) cost.units += leg.units.value_or(0.0);
  }
  return cost;
}

std::optional<double> peak_memory(const ExperimentEvidence& evidence, core::Arm arm) {
  std::optional<double> peak;
  for (const PairEvidence* pair : complete_pairs(evidence.pairs)) {
    const LegEvidence& leg = arm == core::Arm::baseline ? pair->baseline : pair->variant;
    if (leg.peak_memory_bytes) peak = std::max(peak.value_or(0.0), *leg.peak_memory_bytes);
  }
  return peak;
}

// G3.
Gate cost_gate(const ExperimentEvidence& evidence) {
  TotalCost cost{.baseline = arm_cost(evidence, core::Arm::baseline),
                 .variant = arm_cost(evidence, core::Arm::variant),
                 .resources = {}};
  for (const auto& [resource, growth_max] : evidence.protocol.job.limits) {
    ResourceUse use{.name = resource, .baseline = {}, .variant = {}, .growth_max = growth_max};
    if (resource == "memory") {
      use.baseline = peak_memory(evidence, core::Arm::baseline);
      use.variant = peak_memory(evidence, core::Arm::variant);
    }
    cost.resources.push_back(std::move(use));
  }
  return or_hold("total_cost", total_cost(cost));
}

// G4.
Gate failure_gate(const ExperimentEvidence& evidence) {
  return or_hold("failures", failures(failures_of(evidence.pairs)));
}

// G8.
Gate node_gate(const ExperimentEvidence& evidence) {
  std::vector<NodePair> pairs;
  for (const PairEvidence* pair : complete_pairs(evidence.pairs)) {
    const PairScore scored = score(*pair);
    if (!scored.counts) continue;
    auto nodes = pair->nodes;
    std::sort(nodes.begin(), nodes.end());
    pairs.push_back({fmt::format("{}", fmt::join(nodes, ",")), scored.d});
  }
  const double claim = evidence.nomination ? evidence.nomination->claim : 0.0;
  return or_hold("leave_one_out",
                 leave_one_out(pairs, {.sigma0 = evidence.protocol.sigma0, .theta_c = claim}));
}

}  // namespace

std::vector<Gate> gates_underway(const ExperimentEvidence& evidence) {
  return {same_work(evidence), assignment_gate(evidence), clock_gate(evidence)};
}

std::vector<Gate> gates_after_discovery(const ExperimentEvidence& evidence) {
  return {quality_gate(evidence, false), same_work(evidence), failure_gate(evidence),
          assignment_gate(evidence), clock_gate(evidence)};
}

std::vector<Gate> gates_at_decision(const ExperimentEvidence& evidence) {
  return {quality_gate(evidence, true), same_work(evidence),       cost_gate(evidence),
          failure_gate(evidence),       assignment_gate(evidence), node_gate(evidence),
          clock_gate(evidence)};
}

const Gate* first_with(std::span<const Gate> gates, GateOutcome outcome) {
  const auto found = std::find_if(gates.begin(), gates.end(),
                                  [outcome](const Gate& gate) { return gate.outcome == outcome; });
  return found == gates.end() ? nullptr : &*found;
}

}  // namespace amdahl::stats
