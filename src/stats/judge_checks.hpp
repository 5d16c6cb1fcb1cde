#pragma once

#include "amdahl/stats/judge.hpp"

namespace amdahl::stats {

/// What a nominated experiment needs next: votes, evidence, or a verdict. Fills `result`, whose
/// standing is complete but for the gates.
void assess_checks(const ExperimentEvidence& evidence, Assessment& result);

}  // namespace amdahl::stats
