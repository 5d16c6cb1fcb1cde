#pragma once

#include <optional>
#include <vector>

#include "amdahl/stats/judge.hpp"

namespace amdahl::stats {

/// All numbers of the experiment but the gates.
Standing standing_of(const ExperimentEvidence& evidence);

/// Pairs of one check (0 = discovery) by state.
struct PairCount {
  int complete = 0;
  int open = 0;
  int used() const { return complete + open; }
};
PairCount count_pairs(const ExperimentEvidence& evidence, int check_no);

/// Number of the extension among the checks.
int extension_no(const ExperimentEvidence& evidence);

/// The nomination that the counted prefix earns: at the first pair where E reaches `nominate_at`
/// with `pairs_min` pairs. Later pairs count for E but not for the claim.
std::optional<Nomination> earned_nomination(const ExperimentEvidence& evidence);

/// Share of pairs voided by the infrastructure; those stopped by a person do not count.
struct VoidCount {
  int registered = 0;
  int voided = 0;
};
VoidCount count_voids(const ExperimentEvidence& evidence);

}  // namespace amdahl::stats
