#include "hook_sources.hpp"

#include <fmt/format.h>

#include <map>

#include "amdahl/http/hook_secret.hpp"
#include "config_file.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

// Which cluster a secret opens, so that none opens two.
using Owners = std::map<std::string, std::string>;

Error at(const std::string& setting, const std::filesystem::path& file, const Error& error) {
  const bool named = error.message.find(file.string()) != std::string::npos;
  return {ErrorCode::invalid_config,
          named ? fmt::format("{}: {}", setting, error.message)
                : fmt::format("{}: {}: {}", setting, file.string(), error.message),
          error.hint};
}

Result<void> claim(Owners& owners, const std::string& secret, const std::string& cluster,
                   const std::string& setting, const std::filesystem::path& file) {
  const auto [owner, fresh] = owners.try_emplace(secret, cluster);
  if (fresh) return {};
  return at(setting, file,
            {ErrorCode::invalid_config,
             owner->second == cluster ? "this secret stands in another file too"
                                      : "cluster " + owner->second + " has the same secret",
             "a secret decides the cluster: make another one"});
}

Result<http::HookSource> read_source(const ClusterConfig& cluster, Owners& owners) {
  const auto base = "cluster." + cluster.name + ".hooks.";
  http::HookSource source;
  source.cluster = cluster.name;
  source.enabled = cluster.hooks.enabled;
  for (const auto& file : cluster.hooks.secret_files) {
    const auto setting = base + "secret_files";
    const auto text = read_secret(file);
    if (!text) return at(setting, file, text.error());
    auto secret = http::hook_secret(*text);
    if (!secret) return at(setting, file, secret.error());
    if (const auto claimed = claim(owners, *secret, cluster.name, setting, file); !claimed)
      return claimed.error();
    source.secrets.push_back(std::move(*secret));
  }
  const auto& file = cluster.hooks.url_token_file;
  if (file.empty()) return source;
  const auto setting = base + "url_token_file";
  auto token = read_secret(file);
  if (!token) return at(setting, file, token.error());
  if (const auto fits = http::check_url_token(*token); !fits)
    return at(setting, file, fits.error());
  if (const auto claimed = claim(owners, *token, cluster.name, setting, file); !claimed)
    return claimed.error();
  source.url_token = std::move(*token);
  return source;
}

}  // namespace

Result<std::vector<http::HookSource>> read_hook_sources(const Config& config) {
  std::vector<http::HookSource> sources;
  Owners owners;
  for (const auto& cluster : config.clusters) {
    if (cluster.hooks.secret_files.empty() && cluster.hooks.url_token_file.empty()) continue;
    auto source = read_source(cluster, owners);
    if (!source) return source.error();
    sources.push_back(std::move(*source));
  }
  return sources;
}

}  // namespace amdahl::cli
