#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {

/// What a shell makes of a signal's number, and srun with it: 128 and the signal.
inline constexpr int killed_status = 128;

/// What to execute and where.
struct ChildPlan {
  std::vector<std::string> command;  ///< command[0] is looked up in the environment's PATH
  std::map<std::string, std::string> environment;
  std::filesystem::path directory;
  bool fixed_layout = false;  ///< without address space randomisation
  bool own_streams = true;    ///< else it writes to this process's
};

/// A leg's process, executed; its own session and process group, killed when this shim dies.
struct Child {
  pid_t pid = 0;
  run_files::UniqueFd pidfd;
  run_files::UniqueFd standard_output, standard_error;  ///< the reading ends, not blocking, if any
  std::int64_t exec_ns = 0;                             ///< monotonic, just before exec
};

/// Answers after exec has succeeded; an error says why it could not.
core::Result<Child> start_child(const ChildPlan& plan);

}  // namespace amdahl::worker
