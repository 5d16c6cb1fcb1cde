#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace amdahl::simulation {

struct SimulateOptions {
  std::uint64_t seed = 1;  ///< of the first schedule; the others are drawn from it
  std::uint64_t schedules = 1;
  unsigned threads = 0;  ///< 0 = as many as the machine has
  bool first = false;    ///< stop at the first violation, with its schedule as it was found
  /// Called now and then with how many schedules are done.
  std::function<void(std::uint64_t)> progress;
};

/// A rule that did not hold in a schedule.
struct Violation {
  std::uint64_t seed = 0;  ///< `amdahl simulate --seed SEED --schedules 1` shows it again
  std::string invariant;
  std::string what;
  std::vector<std::string> schedule;  ///< the shortest list of faults found that still shows it
};

struct SimulateReport {
  std::uint64_t schedules = 0;
  std::uint64_t crashes = 0;
  std::uint64_t stalls = 0;
  std::uint64_t seam_calls = 0;
  std::uint64_t violations = 0;
  std::vector<Violation> violation_list;  ///< the first 20, in order
};

/// Runs the real planner, engine, judge and runner in as many simulated worlds: crashes, stalls,
/// two services, a ledger and a scheduler that fail. The same seed gives the same report.
SimulateReport simulate(const SimulateOptions& options);

/// The seed of the schedule of this number; number 0 is `seed` itself.
std::uint64_t schedule_seed(std::uint64_t seed, std::uint64_t number);

}  // namespace amdahl::simulation
