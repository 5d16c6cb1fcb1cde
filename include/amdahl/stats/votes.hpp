#pragma once

#include <span>

#include "amdahl/core/result.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::stats {

/// Where the strict majority of the registered checks stands.
enum class Majority {
  open,        ///< the checks still out decide
  upheld,      ///< more than half of the registered checks uphold
  impossible,  ///< even if all checks still out upheld, it would not be more than half
};

/// Uphold from half the claim on, refute below a quarter. −∞ (a crash in the check) refutes.
core::Result<core::Vote> vote(double mean_d, double theta_c);

/// Counts against registered checks, so an inconclusive or missing check is not an uphold.
/// Needs at least one registered check and no more votes than registered.
Majority tally(std::span<const core::Vote> cast, int registered);

/// Upholds that a strict majority of `registered` checks needs.
constexpr int upholds_needed(int registered) { return registered / 2 + 1; }

/// Checks that uphold with the same probability and correlate pairwise.
struct Jury {
  int voters;
  int upholds_needed;
  double uphold_probability;
  double correlation;  ///< intra-class correlation ρ, 0 to 1
};

/// P(at least `upholds_needed` uphold), exact beta-binomial. Error outside the ranges.
core::Result<double> majority_survival(const Jury& jury);

}  // namespace amdahl::stats
