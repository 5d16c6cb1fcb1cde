#pragma once

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "amdahl/core/limits.hpp"

namespace amdahl::loop {

/// What an operator allows the loop; from configuration, the same for every cycle of a process.
struct Settings {
  double gpu_hours_per_day = std::numeric_limits<double>::infinity();  ///< over the last 24 h
  double fleet_share = 1;         ///< of each cluster's capacity; one run always fits
  int concurrent_runs = 64;       ///< over all clusters
  bool observe_only = false;      ///< measure and propose, start no trial
  int pairs_max = 15;             ///< of discovery
  int checks = 5;                 ///< odd
  std::chrono::seconds later{0};  ///< how much later R1 replicates; 0 = it is not offered
  int canary_pairs = 8;
  /// Changes that wait for a person: `env:NCCL_*`, `arg:name`, `resource:gpus`, `image`, `patch`.
  std::vector<std::string> approval;
  std::chrono::seconds hold_deadline = core::limits::hold_deadline;
  int misses_max = 3;  ///< authoritative absences before a run is called lost
};

}  // namespace amdahl::loop
