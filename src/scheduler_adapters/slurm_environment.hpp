#pragma once

#include <map>
#include <string>

namespace amdahl::scheduler_adapters::slurm {

/// Of the service's environment what Slurm's commands may see.
std::map<std::string, std::string> environment_of_commands();

/// What a job begins with where Slurm takes it from the request.
std::map<std::string, std::string> environment_of_jobs();

}  // namespace amdahl::scheduler_adapters::slurm
