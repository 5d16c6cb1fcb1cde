#pragma once

#include <limits>
#include <span>

#include "amdahl/core/result.hpp"

namespace amdahl::stats {

/// A two-sided interval for θ. An end that the data cannot bound yet is infinite; an upper end of
/// −∞ says that the variant crashes too often to have a finite effect.
struct Interval {
  double level = 0.95;
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// How sure an interval is and on which noise: it covers θ at every n at once with 1 − alpha.
struct ConfidenceLevel {
  double alpha;
  double sigma0;
};

/// Confidence sequence by inverting the e-process, alpha/2 a side:
/// lower = sup{θ0 : E_n(θ0; d) ≥ 2/α}, upper = −sup{θ0 : E_n(θ0; −d) ≥ 2/α}.
/// Model-based (d symmetric about θ); the design proves it for θ = 0 only. No pair: unbounded.
core::Result<Interval> confidence_sequence(std::span<const double> d, ConfidenceLevel level);

}  // namespace amdahl::stats
