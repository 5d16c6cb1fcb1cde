#pragma once

#include <cstddef>
#include <span>

#include "amdahl/core/result.hpp"
#include "amdahl/stats/gate.hpp"

namespace amdahl::stats {

/// Pairs without which quality at decision stays unproven.
inline constexpr std::size_t quality_pairs_min = 4;

/// Mean of a sample and its one-sided 95 % bounds, mean ± t_{.95, n−1}·s/√n.
struct MeanBounds {
  double mean;
  double lower;
  double upper;
};

/// Needs two finite values; equal values give bounds at the mean.
core::Result<MeanBounds> mean_bounds(std::span<const double> x);

/// Quality lost by the variant, pair by pair, at equal work.
struct QualityLoss {
  std::span<const double>
      delta;      ///< metric of variant minus baseline, turned so that higher is worse
  double margin;  ///< loss that is still acceptable, in the metric's unit; positive
};

/// Vetoes on proven harm alone (lower bound ≥ margin): discovery need not prove quality yet.
core::Result<Gate> quality_at_nomination(const QualityLoss& loss);

/// Passes on proven non-inferiority (upper bound < margin, n ≥ 4), vetoes on proven harm (also with
/// fewer pairs), holds while neither is proven.
core::Result<Gate> quality_at_decision(const QualityLoss& loss);

}  // namespace amdahl::stats
