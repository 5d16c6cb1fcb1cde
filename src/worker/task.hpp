#pragma once

#include <cstddef>
#include <filesystem>

namespace amdahl::worker {

/// What srun starts on each node of leg `index`: executes the leg's command as the leg says, with
/// Slurm's variables beside, kills what it leaves behind and writes the task's record.
int run_task(const std::filesystem::path& directory, std::size_t index);

}  // namespace amdahl::worker
