#pragma once

#include <filesystem>

#include "amdahl/core/result.hpp"
#include "amdahl/scheduler_adapters/slurm.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// What a configured Slurm cluster comes to; `shim` lies beside this program.
core::Result<scheduler_adapters::SlurmOptions> slurm_options(const Config& config,
                                                             const ClusterConfig& cluster,
                                                             const std::filesystem::path& shim);

}  // namespace amdahl::cli
