#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "amdahl/core/run.hpp"
#include "interrupts.hpp"

namespace amdahl::worker {

/// Makes the leg's folders, its own copy of the code, and patches it.
core::Result<void> prepare_leg(const core::RunSpec& spec, std::size_t index,
                               const std::filesystem::path& directory);

struct LegRun {
  core::LegResult result;
  std::string failure;  ///< why the run as a whole failed here, through no arm's doing
};

/// Runs a prepared leg to its end and measures it. A leg that cannot be executed is a result too:
/// not started, with the problem.
LegRun run_leg(const core::RunSpec& spec, std::size_t index, const std::filesystem::path& directory,
               const std::vector<std::string>& gpu_ids, Interrupts& interrupts);

}  // namespace amdahl::worker
