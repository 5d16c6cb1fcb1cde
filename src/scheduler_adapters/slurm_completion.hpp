#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "slurm_job.hpp"

namespace amdahl::scheduler_adapters::slurm {

/// A job as its completion record tells: that of jobcomp/elasticsearch, or what `amdahl hook slurm`
/// makes of jobcomp/script's. None without id, name, state and time of submission: of those
/// EpilogSlurmctld knows two. Times without a zone are in that of this machine, where such records
/// come from alone.
std::optional<Job> read_completion(const nlohmann::json& told);

}  // namespace amdahl::scheduler_adapters::slurm
