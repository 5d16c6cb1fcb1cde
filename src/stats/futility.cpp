#include "amdahl/stats/futility.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

core::Result<std::optional<Outlook>> futility(std::span<const double> d, FutilityRule rule) {
  if (auto fault = fault_in_log_ratios(d)) return *fault;
  if (auto fault = fault_in_positive(rule.sigma0, "sigma0")) return *fault;
  if (auto fault = fault_in_positive(rule.theta_mei, "theta_mei")) return *fault;
  if (auto fault = fault_in_open_unit(rule.chance_min, "chance_min")) return *fault;
  if (d.size() < futility_pairs_min) return std::optional<Outlook>{};

  const double clip = 3.0 * std::max(rule.sigma0, rule.theta_mei);
  double sum = 0.0;
  for (const double value : d) sum += std::clamp(value, -clip, clip);

  const double noise = rule.sigma0 * rule.sigma0;
  const double prior = futility_prior_sd * futility_prior_sd;
  const double variance = 1.0 / (1.0 / prior + static_cast<double>(d.size()) / noise);
  Outlook outlook{};
  outlook.posterior_mean = variance * sum / noise;
  outlook.posterior_sd = std::sqrt(variance);
  outlook.chance_of_mei =
      normal_cdf((outlook.posterior_mean - rule.theta_mei) / outlook.posterior_sd);
  outlook.futile = outlook.chance_of_mei < rule.chance_min;
  return std::optional{outlook};
}

}  // namespace amdahl::stats
