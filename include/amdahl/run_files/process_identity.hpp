#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::run_files {

/// A process, told apart from any later one with the same pid.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< field 22 of /proc/<pid>/stat
  std::string boot_id;            ///< 8 hexadecimal digits

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// `<pid>-<start ticks>-<boot id>`.
std::string native_id(const ProcessIdentity& process);

/// What runs as `pid` now; nothing when there is no such process (a zombie has ended too).
std::optional<ProcessIdentity> identify(pid_t pid);
ProcessIdentity identify_self();

nlohmann::json to_json(const ProcessIdentity& process);
core::Result<ProcessIdentity> process_identity_from_json(const nlohmann::json& value);

/// A descriptor that becomes readable when `pid` ends; none when there is no such process.
UniqueFd open_pidfd(pid_t pid);

/// Sends `signal` to exactly this process: pidfd first, then the start ticks are compared again.
/// False when it is gone.
bool signal_process(const ProcessIdentity& process, int signal);

/// Live processes of ours that belong to session `session` or were started with
/// AMDAHL_RUN_KEY=`run_key`.
std::vector<ProcessIdentity> processes_of_run(const std::string& run_key, pid_t session);

}  // namespace amdahl::run_files
