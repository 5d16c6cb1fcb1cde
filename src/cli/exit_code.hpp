#pragma once

namespace amdahl::cli {

/// What the process says to the shell (docs/reference/cli.md).
enum class ExitCode : int {
  ok = 0,           ///< done; `wait`: a win
  bug = 1,          ///< ours
  usage = 2,        ///< arguments or a file that a person wrote
  bad_config = 3,   ///< the service's configuration
  unreachable = 4,  ///< service or ledger
  not_found = 5,
  not_allowed = 6,
  conflict = 7,       ///< state changed, lock held
  check_failed = 8,   ///< `doctor`, `ledger verify`, `explain --recompute`
  nothing_left = 9,   ///< `cycle --once`
  refuted = 10,       ///< `wait`: refuted or no effect
  inconclusive = 11,  ///< `wait`: inconclusive or provisional
  aborted = 12,       ///< `wait`: aborted
  void_ = 13,         ///< `wait`: void
  timed_out = 124,
  interrupted = 130,
};

}  // namespace amdahl::cli
