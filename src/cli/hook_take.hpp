#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "amdahl/core/clock.hpp"
#include "amdahl/core/result.hpp"
#include "hook_spool.hpp"

namespace amdahl::cli {

/// What a hook of Slurm is told on its command line. Paths are absolute.
struct HookWords {
  std::string server = "http://127.0.0.1:7717";
  std::filesystem::path secret_file, ca_file;
  std::filesystem::path spool = "/var/spool/amdahl-hook";
  std::string cluster;  ///< the service's name of it; may be empty
};

core::Result<HookTarget> hook_target(const HookWords& words);

/// Spools what slurmctld tells in `variables` and leaves a sender behind. What went wrong, or
/// nothing: no reason for Slurm to do anything else.
std::string take_slurm_event(const HookWords& words,
                             const std::map<std::string, std::string>& variables,
                             core::Clock& clock);

/// `3 sent, 0 left`, and why.
std::string text_of(const SpoolReport& report);

}  // namespace amdahl::cli
