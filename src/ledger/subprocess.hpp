#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::ledger {

struct UserIds {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Command {
  std::vector<std::string> argv;  ///< argv[0] absolute
  std::optional<UserIds> run_as;  ///< drops to this user; only root can
  std::chrono::milliseconds deadline{30'000};
};

struct Finished {
  int exit_code = 0;
  std::string output;  ///< of stdout and stderr together, the first 64 KiB
};

/// Runs a program to its end, in a session of its own (a Ctrl-C on our terminal does not reach it)
/// and with none of our descriptors. Past the deadline it is killed: `timed_out`.
core::Result<Finished> run_command(const Command& command);

/// Waits for something outside that can only be asked again.
void wait_for(std::chrono::milliseconds duration);

}  // namespace amdahl::ledger
