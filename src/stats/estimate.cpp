#include "amdahl/stats/estimate.hpp"

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "input_faults.hpp"
#include "median.hpp"

namespace amdahl::stats {

namespace {

core::Error no_pairs() { return core::invalid_input("there is no pair to estimate from"); }

}  // namespace

core::Result<double> log_ratio(PairCost cost) {
  if (auto fault = fault_in_positive(cost.baseline, "the baseline's cost")) return *fault;
  if (auto fault = fault_in_positive(cost.variant, "the variant's cost")) return *fault;
  const double ratio = cost.baseline / cost.variant;
  // The quotient keeps more digits near 1; the difference cannot overflow into a crash's −∞.
  if (std::isnormal(ratio)) return std::log(ratio);
  return std::log(cost.baseline) - std::log(cost.variant);
}

double saving(double theta) { return -std::expm1(-theta); }

core::Result<double> mean(std::span<const double> d) {
  if (auto fault = fault_in_log_ratios(d)) return *fault;
  if (d.empty()) return no_pairs();
  return std::accumulate(d.begin(), d.end(), 0.0) / static_cast<double>(d.size());
}

core::Result<double> standard_deviation(std::span<const double> x) {
  if (auto fault = fault_in_finite(x, "value")) return *fault;
  if (x.size() < 2) return core::invalid_input("a standard deviation needs at least two values");
  // Welford: no cancellation, and exactly zero for equal values, which G1 relies on.
  double centre = 0.0;
  double squares = 0.0;
  double n = 0.0;
  for (const double value : x) {
    n += 1.0;
    const double step = value - centre;
    centre += step / n;
    squares += step * (value - centre);
  }
  return std::sqrt(squares / (n - 1.0));
}

core::Result<double> hodges_lehmann(std::span<const double> d) {
  if (auto fault = fault_in_log_ratios(d)) return *fault;
  if (d.empty()) return no_pairs();
  std::vector<double> centres;
  centres.reserve(d.size() * (d.size() + 1) / 2);
  for (std::size_t i = 0; i < d.size(); ++i) {
    for (std::size_t j = i; j < d.size(); ++j) centres.push_back(midpoint(d[i], d[j]));
  }
  return median(std::move(centres));
}

}  // namespace amdahl::stats
