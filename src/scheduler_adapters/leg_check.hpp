#pragma once

#include "amdahl/core/result.hpp"
#include "amdahl/core/run.hpp"

namespace amdahl::scheduler_adapters {

/// What no scheduler could run as it is written: no command, GPUs that are not there, zero bytes.
core::Result<void> check_legs(const core::RunSpec& spec);

}  // namespace amdahl::scheduler_adapters
