#pragma once

#include <cstdint>

#include "amdahl/core/run.hpp"
#include "environment.hpp"

namespace amdahl::worker {

/// When a leg ran, on both clocks.
struct LegTimes {
  std::int64_t exec_ns = 0;  ///< monotonic
  std::int64_t exit_ns = 0;
  std::int64_t start_us = 0;  ///< wall
};

/// Reads what the leg left, its events, output and files, and fills in phases, units, quality and
/// digest; `problem` says in words what is unknown and why.
void measure(const core::RunSpec& spec, const LegFolder& folder, const LegTimes& times,
             core::LegResult& leg);

}  // namespace amdahl::worker
