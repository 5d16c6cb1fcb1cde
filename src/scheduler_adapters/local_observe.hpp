#pragma once

#include <filesystem>
#include <optional>

#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::scheduler_adapters {

/// What a run's directory says of it now; nothing when no shim has ever held it, so that nothing
/// runs and nothing ran. Where the shim died at work, kills what it left behind.
core::Result<std::optional<Observation>> observe_directory(const std::filesystem::path& directory,
                                                           const core::RunKey& key);

}  // namespace amdahl::scheduler_adapters
