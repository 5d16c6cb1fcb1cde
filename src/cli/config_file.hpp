#pragma once

#include <filesystem>
#include <string>

#include "amdahl/core/result.hpp"
#include "config.hpp"
#include "environment.hpp"
#include "options.hpp"
#include "text_file.hpp"

namespace amdahl::cli {

/// Where `amdahl` keeps things when nobody says otherwise.
std::filesystem::path default_config_file(const Environment& env);
std::filesystem::path default_state_dir(const Environment& env);
std::filesystem::path find_config_file(const Environment& env, const GlobalOptions& options);

/// Finds and reads the configuration: `--config`, else the default place (which may be absent, then
/// that of the last `amdahl dev`), its conf.d, variables, `flags`.
core::Result<Config> read_config(const Environment& env, const GlobalOptions& options,
                                 const std::map<std::string, std::string>& flags);

}  // namespace amdahl::cli
