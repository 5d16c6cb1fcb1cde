#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <string>

#include "amdahl/core/clock.hpp"

namespace amdahl::telemetry {

/// RFC 3339, UTC, milliseconds.
inline std::string timestamp(core::WallTime now) {
  const auto us = now.time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(us / 1'000'000)), us / 1000 % 1000);
}

}  // namespace amdahl::telemetry
