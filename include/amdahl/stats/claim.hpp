#pragma once

#include "amdahl/core/result.hpp"

namespace amdahl::stats {

/// Fresh pairs of a check: enough to see the claim through the noise, few enough to afford five.
inline constexpr int check_pairs_min = 2;
inline constexpr int check_pairs_max = 4;

/// What discovery found when it nominated.
struct Discovery {
  double mean_d;     ///< mean of the n discovery pairs; −∞ where one of them crashed
  int pairs;         ///< n
  double sigma0;     ///< noise of d
  double theta_mei;  ///< minimum effect of interest, the floor of the claim
};

/// What the checks must uphold; frozen at discovery.
struct Claim {
  double theta_c;   ///< claimed effect
  int check_pairs;  ///< fresh pairs of each check, k
  friend bool operator==(const Claim&, const Claim&) = default;
};

/// θ_c = max(θ_MEI, d̄·n/(n+2)), shrunk against the winner's curse; k = clamp(⌈3(σ0/θ_c)²⌉, 2, 4).
core::Result<Claim> claim_of(const Discovery& discovery);

}  // namespace amdahl::stats
