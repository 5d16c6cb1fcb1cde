#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/simulation/memory_state.hpp"
#include "dice.hpp"
#include "executor.hpp"
#include "faults.hpp"
#include "scheduler.hpp"
#include "truth.hpp"

namespace amdahl::simulation {

/// A rule that did not hold, and what was seen.
struct Broken {
  std::string invariant;
  std::string what;
};

/// What the programs of one schedule share, and what the invariants look at.
struct World {
  World(Dice dice, FaultPlan plan, Truth what_is_true);

  Dice dice;
  FaultPlan faults;
  Truth truth;
  Executor executor;
  SimulatedScheduler scheduler;
  MemoryState ledger;
  std::optional<MemoryState> standby;
  int ledger_epoch = 0;          ///< counts failovers: connections of an earlier one are broken
  bool lossy = false;            ///< a failover lost something
  double budget_gpu_us = 0;      ///< 0 = none
  ledger::Head last_head;        ///< as of the last call
  Executor::Time renewed_at{0};  ///< when its lease was last taken or renewed

  /// What is out of order for a while, for whoever asks.
  Executor::Time history_down_until{0}, partial_until{0};
  std::uint64_t partial_dice = 0;  ///< decides which runs cannot be read

  std::map<std::string, Executor::Time> sent;  ///< run key → when it was last submitted

  std::uint64_t crashes = 0;
  std::uint64_t stalls = 0;
  std::vector<std::string> trace;  ///< what went wrong, in words
  std::optional<Broken> broken;    ///< the first

  void breaks(std::string invariant, std::string what);
  void happened(const Fault& fault, const std::string& process, std::string_view call);
  /// What befalls the scheduler or the ledger, whoever called.
  void befall(const Fault& fault);
  /// Whether part of the queue cannot be read now, and whether this run is in that part.
  bool unreadable() const;
  bool hides(const core::RunKey& key) const;

 private:
  Executor::Time end_of_outage(const Fault& fault) const;
};

/// The clocks of one host: they never compare with another's.
class HostClock final : public core::Clock {
 public:
  HostClock(Executor& executor, std::int64_t boot_us, std::int64_t skew_us)
      : executor_{executor}, boot_us_{boot_us}, skew_us_{skew_us} {}

  core::WallTime now() override;
  core::BootTime since_boot() override { return executor_.now() + core::BootTime{boot_us_}; }
  void step(std::int64_t us) { skew_us_ += us; }

 private:
  Executor& executor_;
  std::int64_t boot_us_, skew_us_;
};

/// One process of the service, as the world sees it.
struct Program {
  World& world;
  HostClock& clock;
  std::string name;
  std::string term;  ///< of the lease that it believes to hold
  int ledger_epoch = 0;
  bool stalled = false;         ///< in the call under way
  Executor::Time listed_at{0};  ///< when what it last took for the whole queue was read
  std::uint64_t calls = 0;

  /// Begins a call: what goes wrong before it happens here. Throws Killed.
  std::optional<Fault> enter(Seam seam, std::string_view call);
  /// Ends it: what goes wrong behind it. Throws Killed.
  void leave(const std::optional<Fault>& fault);
  bool leads() const { return !term.empty() && term == world.ledger.head.term; }

 private:
  void stall(const Fault& fault);
};

}  // namespace amdahl::simulation
