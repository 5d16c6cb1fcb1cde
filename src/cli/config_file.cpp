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
constexpr std::size_t secret_bytes_max = 16 << 10;

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

Result<std::string> read_text_file(const fs::path& file, std::size_t bytes_max) {
  std::error_code problem;
  if (fs::is_directory(file, problem)) {
    return Error{ErrorCode::invalid_input, file.string() + " is a directory", {}};
  }
  std::ifstream stream{file, std::ios::binary};
  if (!stream) {
    const auto why = std::strerror(errno);
    return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_input,
                 fmt::format("cannot read {}: {}", file.string(), why),
                 {}};
  }
  std::string text(bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > bytes_max) {
    return core::invalid_input(fmt::format("{} is larger than {} bytes", file.string(), bytes_max));
  }
  return text;
}

Result<std::string> read_secret(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return Error{ErrorCode::invalid_config,
                 fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)),
                 {}};
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return Error{ErrorCode::invalid_config,
                 fmt::format("{} holds a secret and others may read or write it", file.string()),
                 "chmod o-rw " + file.string()};
  }
  const auto text = read_text_file(file, secret_bytes_max);
  if (!text) return Error{ErrorCode::invalid_config, text.error().message, text.error().hint};
  auto secret = *text;
  secret.erase(std::min(secret.find('\n'), secret.size()));
  secret.erase(secret.find_last_not_of(" \t\r") + 1);
  if (secret.empty()) return Error{ErrorCode::invalid_config, file.string() + " is empty", {}};
  return secret;
}

}  // namespace amdahl::cli
