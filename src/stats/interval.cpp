#include "amdahl/stats/interval.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "amdahl/stats/evidence.hpp"
#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// tanh(c·x) is 1 to the last bit here for every bet c: beyond it E no longer moves with θ0.
constexpr double saturation_sigmas = 40.0;

// Each halving buys one bit; the bracket is rarely wider than 2^60 of the wanted last bits.
constexpr int halvings_max = 200;

double log_e_value(std::span<const double> d, NullHypothesis null) {
  LogWealth wealth{};
  for (const double value : d) {
    const LogWealth factors = log_factors(value, null);
    for (std::size_t k = 0; k < factors.size(); ++k) wealth[k] += factors[k];
  }
  return log_mean_wealth(wealth);
}

// ln E in the limit where `winning` pairs pay the most a pair can and `losing` ones cost the most.
double log_e_saturated(std::ptrdiff_t winning, std::ptrdiff_t losing) {
  return static_cast<double>(winning) * std::log1p(bet_cap) +
         static_cast<double>(losing) * std::log1p(-bet_cap);
}

// sup{θ0 : ln E(θ0; d) ≥ log_threshold}; E falls as θ0 grows. d may hold both infinities.
double highest_rejected(std::span<const double> d, double sigma0, double log_threshold) {
  const auto n = static_cast<std::ptrdiff_t>(d.size());
  const auto crashed = std::count(d.begin(), d.end(), -infinity);
  const auto unbeatable = std::count(d.begin(), d.end(), infinity);
  if (log_e_saturated(n - crashed, crashed) < log_threshold) return -infinity;
  if (log_e_saturated(unbeatable, n - unbeatable) >= log_threshold) return infinity;

  double smallest = infinity;
  double largest = -infinity;
  for (const double value : d) {
    if (!std::isfinite(value)) continue;
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
  }
  double rejected = smallest - saturation_sigmas * sigma0;
  double kept = largest + saturation_sigmas * sigma0;
  for (int halving = 0; halving < halvings_max; ++halving) {
    const double middle = 0.5 * rejected + 0.5 * kept;
    if (middle <= rejected || middle >= kept) break;
    const bool rejects = log_e_value(d, {.sigma0 = sigma0, .theta0 = middle}) >= log_threshold;
    (rejects ? rejected : kept) = middle;
  }
  return rejected;
}

}  // namespace

core::Result<Interval> confidence_sequence(std::span<const double> d, ConfidenceLevel level) {
  if (auto fault = fault_in_log_ratios(d)) return *fault;
  if (auto fault = fault_in_positive(level.sigma0, "sigma0")) return *fault;
  if (auto fault = fault_in_open_unit(level.alpha, "alpha")) return *fault;
  std::vector<double> mirrored(d.size());
  std::transform(d.begin(), d.end(), mirrored.begin(), [](double value) { return -value; });
  const double log_threshold = std::log(2.0 / level.alpha);
  return Interval{.level = 1.0 - level.alpha,
                  .lower = highest_rejected(d, level.sigma0, log_threshold),
                  .upper = -highest_rejected(mirrored, level.sigma0, log_threshold)};
}

}  // namespace amdahl::stats
