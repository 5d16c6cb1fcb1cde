#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "amdahl/core/result.hpp"

namespace amdahl::stats {

/// What is wrong with a sample of log-ratios, each of which must be finite or −∞.
std::optional<core::Error> fault_in_log_ratios(std::span<const double> d);

/// What is wrong with values called `what` that must all be finite.
std::optional<core::Error> fault_in_finite(std::span<const double> values, std::string_view what);

/// What is wrong with a number called `what` that must be finite and positive.
std::optional<core::Error> fault_in_positive(double value, std::string_view what);

/// What is wrong with a probability called `what` that must lie strictly between 0 and 1.
std::optional<core::Error> fault_in_open_unit(double value, std::string_view what);

}  // namespace amdahl::stats
