#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config.hpp"
#include "environment.hpp"
#include "options.hpp"

namespace amdahl::cli {

/// What a reload would do.
struct Reload {
  Config config;                                      ///< what needs a restart stands as it was
  nlohmann::json changed = nlohmann::json::object();  ///< setting → its new value
  std::vector<std::string> needs_restart;             ///< settings that differ and do not apply
};

/// Reads the configuration anew and checks everything, the files that it names included; all that
/// is wrong at once, one line each.
core::Result<Reload> read_reload(const Environment& env, const GlobalOptions& options,
                                 const Config& running);

/// What of `fresh` a process that runs with `running` may take over.
Reload plan_reload(const Config& running, const Config& fresh);

}  // namespace amdahl::cli
