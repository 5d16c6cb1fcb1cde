#include "reload.hpp"

#include <algorithm>
#include <map>

#include "config_file.hpp"
#include "config_keys.hpp"
#include "config_values.hpp"
#include "service_check.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

bool has_cluster_of(const Config& config, std::string_view path) {
  return std::any_of(config.clusters.begin(), config.clusters.end(), [&](const auto& cluster) {
    return path.starts_with("cluster." + cluster.name + ".");
  });
}

// TLS files are read anew; whether there is TLS at all is decided when the service starts, and so
// is which clusters there are.
bool applies(const std::string& path, const Config& running, const Config& fresh) {
  if (path.starts_with("service.tls_")) return has_tls(running) && has_tls(fresh);
  if (path.starts_with("cluster.") &&
      !(has_cluster_of(running, path) && has_cluster_of(fresh, path)))
    return false;
  return applies_on_reload(path);
}

class Problems {
 public:
  void add(const Error& error) {
    if (!text_.empty()) text_ += '\n';
    text_ += error.message;
    if (!error.hint.empty()) text_ += " (" + error.hint + ")";
  }
  bool empty() const { return text_.empty(); }
  Error error() const { return {ErrorCode::invalid_config, text_, "nothing was applied"}; }

 private:
  std::string text_;
};

}  // namespace

Reload plan_reload(const Config& running, const Config& fresh) {
  std::map<std::string, Setting> stood, settings;
  for (const auto& setting : running.settings) stood[setting.path] = setting;
  for (const auto& setting : fresh.settings) settings[setting.path] = setting;
  Reload reload;
  for (const auto& setting : fresh.settings) {
    const auto old = stood.find(setting.path);
    if (old != stood.end() && old->second.value == setting.value) continue;
    if (applies(setting.path, running, fresh)) {
      reload.changed[setting.path] = setting.value;
      continue;
    }
    reload.needs_restart.push_back(setting.path);
    if (old == stood.end()) settings.erase(setting.path);  // a cluster that is new
  }
  for (const auto& [path, setting] : stood) {
    if (!settings.contains(path) && !applies(path, running, fresh))
      reload.needs_restart.push_back(path);
    if (!applies(path, running, fresh)) settings[path] = setting;
  }
  std::vector<Setting> all;
  for (auto& [path, setting] : settings) all.push_back(std::move(setting));
  reload.config = config_of(std::move(all));
  reload.config.files = fresh.files;
  return reload;
}

Result<Reload> read_reload(const Environment& env, const GlobalOptions& options,
                           const Config& running) {
  const auto fresh = read_config(env, options, {});
  if (!fresh) return fresh.error();
  Problems problems;
  // The owner's is not for the service, which may not even be allowed to read it.
  if (fresh->url_file.empty()) {
    problems.add({ErrorCode::invalid_config, "no ledger is configured", "set ledger.url_file"});
  } else if (const auto secret = read_secret(fresh->url_file); !secret) {
    problems.add(secret.error());
  }
  // What needs a restart, too: better said now than then.
  for (const auto& problem : service_problems(*fresh)) problems.add(problem);
  if (!problems.empty()) return problems.error();
  return plan_reload(running, *fresh);
}

}  // namespace amdahl::cli
