#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults.hpp"
#include "world.hpp"

namespace amdahl::simulation {

/// What came of one schedule.
struct ScheduleResult {
  std::uint64_t crashes = 0;
  std::uint64_t stalls = 0;
  std::uint64_t seam_calls = 0;
  std::optional<Broken> broken;
  std::vector<Fault> faults;
  std::vector<std::string> trace;
};

/// Runs the schedule of a seed: services, ledger and scheduler until nothing is left to do.
ScheduleResult run_schedule(std::uint64_t seed);
/// The same world, with these faults alone.
ScheduleResult run_schedule(std::uint64_t seed, const std::vector<Fault>& faults);

}  // namespace amdahl::simulation
