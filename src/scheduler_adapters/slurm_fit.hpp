#pragma once

#include <filesystem>
#include <vector>

#include "amdahl/core/run.hpp"
#include "slurm_transport.hpp"

/// What a run asks of a cluster, and whether it could ever have it: pure.
namespace amdahl::scheduler_adapters::slurm {

/// Of all nodes together; its class is the best node's.
Capacity capacity_of(const std::vector<Node>& nodes);

/// Whether the nodes could ever run it.
core::Result<void> check_fit(const core::RunSpec& spec, const std::vector<Node>& nodes);

/// Name, size, time and directory of the job; the rest is configuration.
JobRequest request_of(const core::RunSpec& spec, const std::filesystem::path& directory);

}  // namespace amdahl::scheduler_adapters::slurm
