#pragma once

#include <filesystem>

#include "ready_signal.hpp"

namespace amdahl::worker {

/// The life of one worker run: lock, gate, slots, claim, legs, result. Answers the exit status:
/// 0 when the result is written, 3 when another shim has this run, 1 otherwise.
int run_shim(const std::filesystem::path& directory, ReadySignal ready);

}  // namespace amdahl::worker
