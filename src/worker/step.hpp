#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "amdahl/core/run.hpp"
#include "child.hpp"
#include "environment.hpp"
#include "supervise.hpp"

/// A leg of a run on several nodes: a step of the Slurm job that this shim is the batch script of,
/// started by srun, with one `amdahl-run task` on each of the leg's nodes.
namespace amdahl::worker {

/// A leg alone on one node of several is a step as well, so that both arms start the same way.
inline bool runs_as_step(const core::RunSpec& spec) { return spec.allocation.nodes > 1; }

/// The words of srun. Nothing of the leg is among them: its tasks read it from the directory.
std::vector<std::string> srun_words(const core::RunSpec& spec, std::size_t index,
                                    const std::filesystem::path& directory, const std::string& job,
                                    const std::string& shim);

/// Fails outside of a Slurm job.
core::Result<ChildPlan> step_plan(const core::RunSpec& spec, std::size_t index,
                                  const std::filesystem::path& directory);

/// Through Slurm, for the tasks are elsewhere: each is asked, then srun ends the step by force.
std::vector<StopWord> stop_step(const Child& srun, const std::filesystem::path& tasks,
                                std::int64_t count);

/// What a srun that was killed has left on the nodes is killed; waits a while for Slurm's word.
void end_step(const std::filesystem::path& tasks, std::int64_t count);

}  // namespace amdahl::worker
