#pragma once

#include <map>
#include <optional>
#include <string>

#include "amdahl/core/clock.hpp"

namespace amdahl::cli {

/// The webhook body of what Slurm tells a script in its environment: `jobcomp/script` (`JOBID`, …),
/// `EpilogSlurmctld` and `PrologSlurmctld` (`SLURM_JOB_ID`, …). Nothing where there is no job.
/// `cluster` is the service's name of the cluster, left out where empty.
std::optional<std::string> slurm_event(const std::map<std::string, std::string>& variables,
                                       const std::string& cluster, core::WallTime now);

}  // namespace amdahl::cli
