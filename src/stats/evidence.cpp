#include "amdahl/stats/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

std::optional<core::Error> fault_in(NullHypothesis null) {
  if (auto fault = fault_in_positive(null.sigma0, "sigma0")) return fault;
  return fault_in_finite(std::span{&null.theta0, 1}, "theta0");
}

}  // namespace

LogWealth log_factors(double d, NullHypothesis null) {
  LogWealth factors{};
  for (std::size_t k = 0; k < bets.size(); ++k) {
    const double pull = std::tanh(bets[k] * (d - null.theta0) / null.sigma0);
    factors[k] = std::log1p(bet_cap * pull);
  }
  return factors;
}

double log_mean_wealth(const LogWealth& log_wealth) {
  const double largest = *std::max_element(log_wealth.begin(), log_wealth.end());
  double sum = 0.0;
  for (const double value : log_wealth) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(log_wealth.size()));
}

core::Result<Evidence> Evidence::against(NullHypothesis null) { return resume(null, LogWealth{}); }

core::Result<Evidence> Evidence::resume(NullHypothesis null, const LogWealth& stored) {
  if (auto fault = fault_in(null)) return *fault;
  if (auto fault = fault_in_finite(stored, "stored log wealth")) return *fault;
  return Evidence{null, stored};
}

core::Result<void> Evidence::add(double d) {
  if (auto fault = fault_in_log_ratios(std::span{&d, 1})) return *fault;
  const LogWealth factors = log_factors(d, {.sigma0 = sigma0_, .theta0 = theta0_});
  for (std::size_t k = 0; k < factors.size(); ++k) log_wealth_[k] += factors[k];
  return {};
}

double Evidence::log_e_value() const { return log_mean_wealth(log_wealth_); }

double Evidence::e_value() const { return std::exp(log_e_value()); }

core::Result<double> e_value(std::span<const double> d, NullHypothesis null) {
  auto evidence = Evidence::against(null);
  if (evidence.has_error()) return evidence.error();
  if (auto fault = fault_in_log_ratios(d)) return *fault;
  for (const double value : d) evidence->add(value).value();
  return evidence->e_value();
}

}  // namespace amdahl::stats
