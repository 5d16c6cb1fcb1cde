#pragma once

#include <span>
#include <vector>

#include "amdahl/stats/judge.hpp"

namespace amdahl::stats {

/// Gates that further pairs cannot mend: same work, assignment, clocks. Read after every pair.
std::vector<Gate> gates_underway(const ExperimentEvidence& evidence);

/// Read when discovery ends: those underway, proven harm to quality, failures.
std::vector<Gate> gates_after_discovery(const ExperimentEvidence& evidence);

/// Read before a win: all, with proven quality, total cost, and one node set left out.
std::vector<Gate> gates_at_decision(const ExperimentEvidence& evidence);

/// The first gate with this outcome, or null.
const Gate* first_with(std::span<const Gate> gates, GateOutcome outcome);

}  // namespace amdahl::stats
