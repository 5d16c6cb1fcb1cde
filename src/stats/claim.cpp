#include "amdahl/stats/claim.hpp"

#include <algorithm>
#include <cmath>

#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

// Two pairs' worth of "no effect" mixed into the discovery mean.
constexpr double shrinking_pairs = 2.0;

// Pairs at which noise of the size of the claim has averaged down to 0.58 of it.
constexpr double pairs_at_unit_noise = 3.0;

int check_pairs(double noise_per_claim) {
  const double wanted = std::ceil(pairs_at_unit_noise * noise_per_claim * noise_per_claim);
  // Clamped as a double: the square of a huge ratio does not fit an int.
  return static_cast<int>(std::clamp<double>(wanted, check_pairs_min, check_pairs_max));
}

}  // namespace

core::Result<Claim> claim_of(const Discovery& discovery) {
  if (auto fault = fault_in_log_ratios({&discovery.mean_d, 1})) return *fault;
  if (auto fault = fault_in_positive(discovery.sigma0, "sigma0")) return *fault;
  if (auto fault = fault_in_positive(discovery.theta_mei, "theta_mei")) return *fault;
  if (discovery.pairs < 1) return core::invalid_input("a claim needs at least one discovery pair");
  const double n = discovery.pairs;
  const double shrunk = discovery.mean_d * (n / (n + shrinking_pairs));
  const double theta_c = std::max(discovery.theta_mei, shrunk);
  return Claim{.theta_c = theta_c, .check_pairs = check_pairs(discovery.sigma0 / theta_c)};
}

}  // namespace amdahl::stats
