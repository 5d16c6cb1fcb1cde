#pragma once

#include <filesystem>

#include "amdahl/scheduler_adapters/adapter.hpp"
#include "amdahl/scheduler_adapters/local.hpp"

namespace amdahl::scheduler_adapters {

/// What this machine has, as its files below `root` (`/`) tell, where the options do not say.
Capacity local_capacity(const LocalOptions& options, const std::filesystem::path& root);

}  // namespace amdahl::scheduler_adapters
