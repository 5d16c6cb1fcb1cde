#include "input_faults.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <limits>

namespace amdahl::stats {

std::optional<core::Error> fault_in_log_ratios(std::span<const double> d) {
  for (std::size_t i = 0; i < d.size(); ++i) {
    if (std::isnan(d[i]) || d[i] == std::numeric_limits<double>::infinity()) {
      return core::invalid_input(
          fmt::format("log-ratio {} of {} is {}", i + 1, d.size(), d[i]),
          "a crashed variant is -inf; a failed baseline is left out and counted as neutral");
    }
  }
  return std::nullopt;
}

std::optional<core::Error> fault_in_finite(std::span<const double> values, std::string_view what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return core::invalid_input(fmt::format("{} {} of {} is {}, not a finite number", what, i + 1,
                                             values.size(), values[i]));
    }
  }
  return std::nullopt;
}

std::optional<core::Error> fault_in_positive(double value, std::string_view what) {
  if (std::isfinite(value) && value > 0.0) return std::nullopt;
  return core::invalid_input(fmt::format("{} is {}, not a finite positive number", what, value));
}

std::optional<core::Error> fault_in_open_unit(double value, std::string_view what) {
  if (value > 0.0 && value < 1.0) return std::nullopt;
  return core::invalid_input(fmt::format("{} is {}, not between 0 and 1", what, value));
}

}  // namespace amdahl::stats
