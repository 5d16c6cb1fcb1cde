#include "amdahl/stats/noise.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "input_faults.hpp"
#include "median.hpp"

namespace amdahl::stats {

namespace {

// 1/Φ⁻¹(3/4): turns a median absolute deviation into a normal sd.
constexpr double mad_to_sd = 1.482602218505602;

}  // namespace

core::Result<double> robust_scale(std::span<const double> d) {
  if (auto fault = fault_in_finite(d, "A/A log-ratio")) return *fault;
  if (d.empty()) return core::invalid_input("there is no A/A pair to take a scale from");
  std::vector<double> sizes(d.size());
  std::transform(d.begin(), d.end(), sizes.begin(), [](double value) { return std::abs(value); });
  return mad_to_sd * median(std::move(sizes));
}

core::Result<NoiseFloor> noise_floor(std::span<const double> d_aa) {
  if (auto fault = fault_in_finite(d_aa, "A/A log-ratio")) return *fault;
  if (d_aa.size() < noise_pairs_min) return NoiseFloor{.sigma0 = sigma0_fallback, .scale = {}};
  const double scale = robust_scale(d_aa).value();
  return NoiseFloor{.sigma0 = std::max(sigma0_floor, sigma0_margin * scale), .scale = scale};
}

}  // namespace amdahl::stats
