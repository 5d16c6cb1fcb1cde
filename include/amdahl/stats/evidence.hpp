#pragma once

#include <array>
#include <span>

#include "amdahl/core/result.hpp"

namespace amdahl::stats {

/// Sizes of the three bets, in units of 1/σ0.
inline constexpr std::array bets{0.5, 1.0, 2.0};

/// The most a bet can win or lose on a pair: one wrecked pair costs at most a factor 20.
inline constexpr double bet_cap = 0.95;

/// ln of the wealth of each bet; with n, all that has to be stored of a running test.
using LogWealth = std::array<double, bets.size()>;

/// H0: θ ≤ theta0. `sigma0`, the noise of d, sets the power of the test, never its validity.
struct NullHypothesis {
  double sigma0;
  double theta0 = 0.0;
};

/// The tanh e-process against a null hypothesis, fed one pair at a time:
/// E_n = ⅓ Σ_c Π_i [1 + 0.95·tanh(c·(d_i − θ0)/σ0)]. Under the null, with a fair coin per pair,
/// P(E ever ≥ 1/α) ≤ α (Ville), so it may be read after every pair and continued at any time.
class Evidence {
 public:
  /// No pair yet, E = 1. Error unless σ0 is finite and positive and θ0 finite.
  static core::Result<Evidence> against(NullHypothesis null);

  /// Continues from a stored state.
  static core::Result<Evidence> resume(NullHypothesis null, const LogWealth& stored);

  /// Counts one pair; −∞, a crashed variant, costs the factor 0.05. NaN and +∞ change nothing.
  core::Result<void> add(double d);

  /// Counts a pair whose baseline failed: factor 1, it proves nothing.
  void add_neutral() {}

  /// ln E; never overflows.
  double log_e_value() const;

  /// E, or +∞ above the largest double (from 1,063 saturated pairs on).
  double e_value() const;

  const LogWealth& log_wealth() const { return log_wealth_; }

  friend bool operator==(const Evidence&, const Evidence&) = default;

 private:
  Evidence(NullHypothesis null, const LogWealth& start)
      : sigma0_{null.sigma0}, theta0_{null.theta0}, log_wealth_{start} {}

  double sigma0_;
  double theta0_;
  LogWealth log_wealth_;
};

/// ln of what one pair multiplies each bet's wealth with. d may be infinite on both sides.
LogWealth log_factors(double d, NullHypothesis null);

/// ln of the mean of the three wealths.
double log_mean_wealth(const LogWealth& log_wealth);

/// E after all of `d`, in order.
core::Result<double> e_value(std::span<const double> d, NullHypothesis null);

}  // namespace amdahl::stats
