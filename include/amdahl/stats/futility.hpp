#pragma once

#include <optional>
#include <span>

#include "amdahl/core/result.hpp"

namespace amdahl::stats {

/// Minimum effect of interest unless the protocol says otherwise: a saving of 3 %, −ln 0.97.
inline constexpr double default_theta_mei = 0.030459207484708574;

/// Prior sd of θ: real savings are mostly a few per cent.
inline constexpr double futility_prior_sd = 0.04;

/// Below this many pairs one bad pair could stop a good idea.
inline constexpr int futility_pairs_min = 3;

struct FutilityRule {
  double sigma0;
  double theta_mei = default_theta_mei;
  double chance_min = 0.05;  ///< stop when an effect worth having is less likely than this
};

/// What a normal posterior says about θ, and whether going on is worth it. Non-binding.
struct Outlook {
  double posterior_mean;
  double posterior_sd;
  double chance_of_mei;  ///< P(θ ≥ θ_MEI)
  bool futile;           ///< chance_of_mei < chance_min
};

/// Prior N(0, 0.04²), d winsorised at ±max(3σ0, 3θ_MEI), so that a crash counts as a bad pair and a
/// quiet machine cannot clip a large saving into a hopeless one. Nothing below three pairs.
core::Result<std::optional<Outlook>> futility(std::span<const double> d, FutilityRule rule);

}  // namespace amdahl::stats
