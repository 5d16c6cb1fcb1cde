#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dice.hpp"

namespace amdahl::simulation {

/// A call that leaves the process: here anything may go wrong.
enum class Seam { ledger_read, ledger_write, submit, release, list, find, cancel, fetch };

enum class FaultKind {
  crash_before,  ///< the process dies before the call takes effect
  crash_after,   ///< it dies when the call has taken effect
  stall_before,  ///< the whole process stands still before the call
  stall_after,
  refused,          ///< the ledger cannot be reached: nothing happened
  cut,              ///< the connection broke before the call arrived
  answer_lost,      ///< the call took effect, its answer is lost
  checkpoint,       ///< a standby has replayed up to here
  failover,         ///< that standby is promoted: what came after is lost
  request_lost,     ///< the scheduler never got it, the caller does not know
  request_late,     ///< it arrives when the caller has given up
  answered_error,   ///< accepted, and answered with an error
  queue_full,       ///< provably not accepted
  listing_partial,  ///< runs are missing and it says so
  listing_stale,    ///< complete, as of a while ago
  blind,            ///< the scheduler answers nothing
  history_down,     ///< accounting does not answer: absence proves nothing
  loses_accepted,   ///< the controller restarts without what it accepted last, ids start again
  preempts,
  requeues,
  loses_node,
  stopped_by_somebody,
  purges,      ///< records of what ended are gone
  clock_step,  ///< somebody sets this host's wall clock
};

std::string_view name(FaultKind kind);

/// One thing that goes wrong at the seam call of this number.
struct Fault {
  std::uint64_t seam = 0;
  FaultKind kind = FaultKind::crash_before;
  std::uint64_t dice = 0;  ///< its details: how long, which run

  friend bool operator==(const Fault&, const Fault&) = default;
};

/// What may go wrong in one schedule.
struct Weather {
  double rate = 0.04;             ///< share of seam calls with a fault
  std::uint64_t calm_from = 300;  ///< from this seam call on nothing goes wrong any more
  bool failover = false;
  bool ledger_faults = true;
  bool scheduler_faults = true;
};

/// Decides at each seam call, from the dice or from a list of faults to play again.
class FaultPlan {
 public:
  FaultPlan(Dice dice, Weather weather);
  FaultPlan(std::vector<Fault> again, Weather weather);

  /// The next seam call; what goes wrong at it, if anything.
  std::optional<Fault> at(Seam seam);

  std::uint64_t seams() const { return seams_; }
  bool calm() const { return seams_ >= weather_.calm_from; }
  /// What went wrong so far: the schedule.
  const std::vector<Fault>& happened() const { return happened_; }

 private:
  std::optional<FaultKind> draw(Seam seam);

  std::optional<Dice> dice_;
  std::map<std::uint64_t, Fault> again_;
  Weather weather_;
  std::uint64_t seams_ = 0;
  std::uint64_t first_halt_ = 0;  ///< the seam call at which a crash or stall happens in any case
  std::uint64_t checkpoint_ = 0, failover_ = 0;
  std::vector<Fault> happened_;
};

bool is_crash(FaultKind kind);
bool is_stall(FaultKind kind);

}  // namespace amdahl::simulation
