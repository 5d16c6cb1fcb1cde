#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/attempt.hpp"

namespace amdahl::diagnosis {

/// Where the GPU time of runs went, in whole GPU-seconds: sums are exact in any order, so that
/// those of a ledger and those of a file are the same numbers.
struct GpuSeconds {
  std::int64_t launch = 0, over = 0, failed = 0, timed_out = 0, cancelled = 0, redo = 0,
               unknown = 0, queue = 0;

  std::int64_t waste() const { return launch + over + failed + timed_out + cancelled + redo; }
  std::int64_t paid() const { return waste() + unknown; }
};

/// What becomes of an attempt in a ranking, numbered as the ledger stores it.
enum class Standing { counted, not_ended, without_gpus, without_times, experiment };
Standing standing_of(const core::Attempt& attempt);

/// One counted attempt: GPUs that no step was given, the time before the first step, the rest, and
/// which part the rest is, numbered as the ledger stores it.
struct Charge {
  enum class Part { unknown, failed, timed_out, cancelled, redo } part = Part::unknown;
  std::int64_t over = 0, launch = 0, rest = 0, queue = 0;
};
Charge charge_of(const core::Attempt& attempt);

/// More than any cluster has: what says more than this is charged as if it said this.
inline constexpr std::int64_t gpus_max = 1'000'000;

/// Where the GPU-hours of runs went that accounting knows. The parts add up to `paid`; queue is
/// beside them: nobody pays for GPUs that one waits for.
struct FleetHours {
  double paid = 0;
  double launch = 0;     ///< allocated, and no process of the user yet
  double over = 0;       ///< GPUs that no step was given
  double failed = 0;     ///< attempts whose program failed, memory included
  double timed_out = 0;  ///< attempts that met their time limit
  double cancelled = 0;
  double redo = 0;     ///< attempts that were preempted, requeued or lost with a node
  double unknown = 0;  ///< attempts that did their work: what happened inside is not known
  double queue = 0;    ///< GPUs asked for × time from eligible to start

  /// What is known to be waste.
  double waste() const { return paid - unknown; }
};

/// Runs that are the same but for seeds and dates: cluster, account, user, partition, name without
/// its numbers, GPUs.
struct Family {
  std::string name, cluster, account, user, partition;
  std::int64_t gpus = 0;
  std::int64_t runs = 0;
  GpuSeconds spent;
  FleetHours hours;  ///< the same
};

/// The fleet from its accounting. Attempts without GPUs, and the loop's own experiments, are no
/// production: they are counted and left out.
class Fleet {
 public:
  struct Counts {
    std::int64_t attempts = 0;
    std::int64_t not_ended = 0;
    std::int64_t without_gpus = 0;
    std::int64_t experiments = 0;
    std::int64_t without_times = 0;  ///< ended, and nobody knows when they began or ended
  };

  Fleet();
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void add(const core::Attempt& attempt);
  const Counts& counts() const;
  /// From the first start to the last end of what was counted.
  std::optional<double> days() const;
  std::size_t families() const;
  /// The first of them by waste, then by GPU-hours, then by name.
  std::vector<Family> ranked(std::size_t most) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `train_seed12` → `train_seed#`: numbers that tell runs of one family apart, not `resnet50`.
std::string family_name(const std::string& job_name);

}  // namespace amdahl::diagnosis
