#include "environment.hpp"

#include <algorithm>

#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/names.hpp"

namespace amdahl::worker {

namespace names = run_files::names;

LegFolder LegFolder::in(const std::filesystem::path& run_directory, std::size_t index) {
  const auto root = run_directory / names::leg_folder(index);
  return {root,
          root / names::leg_code,
          root / names::leg_temporary,
          root / names::leg_events,
          root / names::leg_tasks,
          root / names::leg_stdout,
          root / names::leg_stderr};
}

std::map<std::string, std::string> leg_environment(const core::RunSpec& spec,
                                                   const core::LegSpec& leg,
                                                   const LegFolder& folder,
                                                   const MachineEnvironment& machine,
                                                   const std::vector<std::string>& gpu_ids) {
  auto environment = leg.env;
  // The job file may set these three; it knows better.
  environment.emplace("PATH", machine.path);
  environment.emplace("HOME", machine.home);
  environment.emplace("TMPDIR", folder.temporary);

  std::string visible;
  for (const auto& id : gpu_ids) visible += (visible.empty() ? "" : ",") + id;
  environment["CUDA_VISIBLE_DEVICES"] = visible;
  environment["AMDAHL_EVENTS"] = folder.events;
  environment["AMDAHL_RUN_KEY"] = spec.key.text;
  environment["AMDAHL_WORKDIR"] = spec.workdir;
  if (spec.env_padding_bytes > 0) {
    const auto bytes = std::min(spec.env_padding_bytes, core::limits::env_padding_bytes_max);
    environment["AMDAHL_PAD"] = std::string(static_cast<std::size_t>(bytes), 'x');
  }
  return environment;
}

}  // namespace amdahl::worker
