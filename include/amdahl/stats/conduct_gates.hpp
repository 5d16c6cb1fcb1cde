#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "amdahl/core/result.hpp"
#include "amdahl/stats/gate.hpp"

namespace amdahl::stats {

/// What became of a registered pair.
enum class PairFate {
  complete,     ///< both legs ended, by success or by their own fault
  voided,       ///< the infrastructure failed; recorded with its cause
  unaccounted,  ///< nobody knows
};

struct AssignmentRecord {
  std::int64_t index;                          ///< from 1, never reused
  bool coin_variant_first;                     ///< the committed order
  std::optional<bool> executed_variant_first;  ///< nothing when no leg started, or unknown
  PairFate fate;
};

/// Vetoes when a pair ran against its coin, vanished, or was registered twice. The records are all
/// registered pairs, in order of their index.
Gate assignment(std::span<const AssignmentRecord> pairs);

using Seconds = std::chrono::duration<double>;

/// The two clocks on one leg.
struct LegClock {
  Seconds leg;                          ///< measured by the shim, exec to exit
  std::optional<Seconds> hello_to_bye;  ///< measured in the job; nothing without events
};

/// Vetoes when a job claims to have run longer than its leg by more than max(1 %, 50 ms).
core::Result<Gate> clocks(std::span<const LegClock> legs);

}  // namespace amdahl::stats
