#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "environment.hpp"

/// What a shim finds where it was started.
namespace amdahl::worker {

MachineEnvironment inherited_environment();

/// The GPUs that another scheduler has given to this process.
std::vector<std::string> allocated_gpus();

/// How many processes the kernel has killed for want of memory since boot, in this system's view.
std::int64_t out_of_memory_kills();

}  // namespace amdahl::worker
