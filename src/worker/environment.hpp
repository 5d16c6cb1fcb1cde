#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "amdahl/core/run.hpp"

namespace amdahl::worker {

/// Where one leg works.
struct LegFolder {
  std::filesystem::path root, code, temporary, events, tasks, standard_output, standard_error;

  static LegFolder in(const std::filesystem::path& run_directory, std::size_t index);
};

/// What every leg gets from the machine, whatever its job says of the rest.
struct MachineEnvironment {
  std::string path;
  std::string home;
};

/// The leg's environment: its own variables, PATH, HOME and ours, nothing else, and nothing that
/// tells which arm it is. `gpu_ids` are the leg's own.
std::map<std::string, std::string> leg_environment(const core::RunSpec& spec,
                                                   const core::LegSpec& leg,
                                                   const LegFolder& folder,
                                                   const MachineEnvironment& machine,
                                                   const std::vector<std::string>& gpu_ids);

}  // namespace amdahl::worker
