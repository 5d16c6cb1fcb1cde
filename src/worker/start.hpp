#pragma once

#include <filesystem>

namespace amdahl::worker {

/// Starts a shim that outlives this process, waits until it holds the run's lock, and prints one
/// JSON line. Exit status 0: held, or another shim has it already; 65: the run's files are wrong
/// for good; 75: not started, try again; 1: nobody knows (the deadline passed).
int start_detached(const std::filesystem::path& directory);

}  // namespace amdahl::worker
