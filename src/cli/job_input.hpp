#pragma once

#include <string>

#include "amdahl/core/job.hpp"
#include "environment.hpp"

namespace amdahl::cli {

/// Reads a job file; its workdir is relative to the file.
core::Result<core::JobSpec> read_job_file(const Environment& env, const std::string& file);

}  // namespace amdahl::cli
