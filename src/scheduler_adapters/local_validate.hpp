#pragma once

#include "amdahl/core/result.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::scheduler_adapters {

/// Whether a machine of this capacity could ever run `spec`.
core::Result<void> validate_local(const core::RunSpec& spec, const Capacity& capacity);

}  // namespace amdahl::scheduler_adapters
