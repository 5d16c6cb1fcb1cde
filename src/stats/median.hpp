#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace amdahl::stats {

/// Half the sum without overflow; −∞ with a finite number is −∞.
inline double midpoint(double a, double b) { return 0.5 * a + 0.5 * b; }

/// Middle value of a sample that is not empty; the middle of the two when their number is even.
inline double median(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  if (x.size() % 2 == 1) return *middle;
  return midpoint(*std::max_element(x.begin(), middle), *middle);
}

}  // namespace amdahl::stats
