#pragma once

#include <span>

#include "amdahl/core/result.hpp"

// A pair's log-ratio is d = ln(C_baseline / C_variant), so d > 0 means that the variant is cheaper.
// A variant that crashed has d = −∞. Everywhere below NaN and +∞ are refused as invalid input.

namespace amdahl::stats {

/// Costs of the two legs of a pair, GPU-hours per unit of work.
struct PairCost {
  double baseline;
  double variant;
};

/// d of one pair. Error unless both costs are finite and positive.
core::Result<double> log_ratio(PairCost cost);

/// The share of the cost that an effect of `theta` takes away: 1 − e^(−θ). −∞ gives −∞.
double saving(double theta);

/// Arithmetic mean; −∞ as soon as one variant crashed. Error for an empty sample.
core::Result<double> mean(std::span<const double> d);

/// Standard deviation with n − 1. Error below two values or for a value that is not finite.
core::Result<double> standard_deviation(std::span<const double> x);

/// Hodges–Lehmann centre: median of (d_i + d_j)/2 over i ≤ j. Survives a minority of crashes.
core::Result<double> hodges_lehmann(std::span<const double> d);

}  // namespace amdahl::stats
