#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <variant>

#include "amdahl/core/clock.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::scheduler_adapters {

/// A shim holds the run: the one just started, or one that was there.
struct ShimStarted {
  std::string native_id;
  bool already = false;
};

/// Runs `shim start directory` and waits for its answer, at most `deadline`. The shim it starts
/// inherits nothing of this process but PATH and HOME.
std::variant<ShimStarted, Failure> start_shim(const std::filesystem::path& shim,
                                              const std::filesystem::path& directory,
                                              std::chrono::milliseconds deadline,
                                              core::Clock& clock);

}  // namespace amdahl::scheduler_adapters
