#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "amdahl/core/result.hpp"

namespace amdahl::stats {

/// A/A pairs below which the noise of a job class counts as unknown.
inline constexpr std::size_t noise_pairs_min = 8;

/// σ0 of a job class without A/A history: 3 % noise a run.
inline constexpr double sigma0_fallback = 0.042;

/// No cluster is quieter than this for long.
inline constexpr double sigma0_floor = 0.005;

/// Rounded up on purpose: half the true σ0 loses wins, twice the true σ0 only costs pairs.
inline constexpr double sigma0_margin = 1.25;

/// The noise of d for a job class.
struct NoiseFloor {
  double sigma0;
  std::optional<double> scale;  ///< robust sd of the A/A pairs; nothing when σ0 is the fallback
};

/// 1.4826·median|d|, the sd of a normal sample centred at zero. Error for an empty sample.
core::Result<double> robust_scale(std::span<const double> d);

/// σ0 = max(0.005, 1.25·scale) from at least 8 A/A pairs, else the fallback. All must be finite.
core::Result<NoiseFloor> noise_floor(std::span<const double> d_aa);

}  // namespace amdahl::stats
