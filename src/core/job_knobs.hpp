#pragma once

#include "amdahl/core/job.hpp"
#include "amdahl/core/toml_table.hpp"

namespace amdahl::core {

/// Reads `[knob.*]` into `job`, whose env and resources are known already.
void read_knobs(TomlTable& root, JobSpec& job);

/// Every placeholder has a knob or is the protocol's; every argument knob is used.
void check_placeholders(TomlTable& job_table, TomlTable& root, const JobSpec& job);

}  // namespace amdahl::core
