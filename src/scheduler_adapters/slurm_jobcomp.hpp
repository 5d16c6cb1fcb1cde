#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::scheduler_adapters::slurm {

/// Whether slurmctld posts what ended to the service that listens on `listen`, HOST:PORT, by what
/// `scontrol show config` prints. None where it posts by another plugin, or to somebody else. The
/// token in the address is not repeated.
std::optional<Finding> jobcomp_finding(std::string_view config, const std::string& listen);

}  // namespace amdahl::scheduler_adapters::slurm
