#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amdahl/stats/judge.hpp"

namespace amdahl::stats {

/// GPU-hours of a leg. A leg without GPUs is costed as one slot of its machine.
double gpu_hours(const LegEvidence& leg);

/// Whether both legs of a complete pair ran to their end.
bool both_finished(const PairEvidence& pair);

/// Complete pairs, by index.
std::vector<const PairEvidence*> complete_pairs(std::span<const PairEvidence> pairs);

/// Complete pairs before the first index that is missing or still open: an order that no pair's
/// speed can influence.
std::vector<const PairEvidence*> counted_prefix(std::span<const PairEvidence> pairs);

/// d of those of `pairs` that have one; −∞ where the variant crashed.
std::vector<double> log_ratios(std::span<const PairEvidence* const> pairs);

/// d without crashes: their location says how much cheaper the variant is where it runs at all.
/// What a crash costs is weighed by E, G3 and G4.
std::vector<double> without_crashes(std::vector<double> d);

/// Why the first finished pair without a known cost has none; nothing when all costs are known.
std::optional<std::string> unknown_cost(std::span<const PairEvidence> pairs);

/// Failures of both arms over complete pairs.
FailuresByArm failures_of(std::span<const PairEvidence> pairs);

/// How the failed legs of an arm ended, for people: `exit 1, time limit`.
std::string exits_of(std::span<const PairEvidence> pairs, core::Arm arm);

}  // namespace amdahl::stats
