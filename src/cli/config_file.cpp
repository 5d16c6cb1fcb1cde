#include "config_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

constexpr std::size_t config_bytes_max = 1 << 20;  // people write it

fs::path xdg(const Environment& env, const std::string& variable, const std::string& below_home) {
  const auto set = env.variable(variable);
  if (set.starts_with("/")) return fs::path{set} / "amdahl";
  return fs::path{env.variable("HOME")} / below_home / "amdahl";
}

Result<void> add_file(const fs::path& file, ConfigSources& sources) {
  const auto text = read_text_file(file, config_bytes_max);
  if (!text) return Error{ErrorCode::invalid_config, text.error().message, text.error().hint};
  sources.files.push_back({file.string(), *text});
  return {};
}

Result<void> add_drop_ins(const fs::path& directory, ConfigSources& sources) {
  std::error_code ignored;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{directory, ignored}) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    if (const auto added = add_file(file, sources); !added) return added;
  }
  return {};
}

}  // namespace

fs::path default_config_file(const Environment& env) {
  if (env.is_root) return "/etc/amdahl/amdahl.toml";
  return xdg(env, "XDG_CONFIG_HOME", ".config") / "amdahl.toml";
}

fs::path default_state_dir(const Environment& env) {
  if (env.is_root) return "/var/lib/amdahl";
  return xdg(env, "XDG_STATE_HOME", ".local/state");
}

// The named file, the default one, or, where that is absent, what `amdahl dev` wrote last.
fs::path find_config_file(const Environment& env, const GlobalOptions& options) {
  if (!options.config.empty()) return (env.directory / options.config).lexically_normal();
  std::error_code ignored;
  auto file = default_config_file(env);
  const auto dev = default_state_dir(env) / "dev" / "amdahl.toml";
  if (!fs::exists(file, ignored) && fs::exists(dev, ignored)) return dev;
  return file;
}

Result<Config> read_config(const Environment& env, const GlobalOptions& options,
                           const std::map<std::string, std::string>& flags) {
  ConfigSources sources;
  sources.variables = env.variables;
  sources.flags = flags;
  sources.directory = env.directory;
  sources.state_dir = default_state_dir(env);
  const auto file = find_config_file(env, options);
  std::error_code ignored;
  if (!options.config.empty() || fs::exists(file, ignored)) {
    if (const auto added = add_file(file, sources); !added) return added.error();
  }
  if (const auto added = add_drop_ins(file.parent_path() / "conf.d", sources); !added)
    return added.error();
  return load_config(sources);
}

}  // namespace amdahl::cli
