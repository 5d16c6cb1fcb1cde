#pragma once

#include <filesystem>
#include <string>

#include "amdahl/core/result.hpp"
#include "config.hpp"
#include "environment.hpp"
#include "options.hpp"

namespace amdahl::cli {

/// Where `amdahl` keeps things when nobody says otherwise.
std::filesystem::path default_config_file(const Environment& env);
std::filesystem::path default_state_dir(const Environment& env);
std::filesystem::path find_config_file(const Environment& env, const GlobalOptions& options);

/// Finds and reads the configuration: `--config`, else the default place (which may be absent, then
/// that of the last `amdahl dev`), its conf.d, variables, `flags`.
core::Result<Config> read_config(const Environment& env, const GlobalOptions& options,
                                 const std::map<std::string, std::string>& flags);

/// The first line of a file that only its owner and group may read.
core::Result<std::string> read_secret(const std::filesystem::path& file);

/// A whole file of at most `bytes_max`.
core::Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t bytes_max);

}  // namespace amdahl::cli
