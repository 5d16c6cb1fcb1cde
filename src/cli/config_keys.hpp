#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace amdahl::cli {

enum class SettingKind { text, path, whole, number, boolean, duration, size, texts, paths };

/// One row of the reference: everything known about a setting before anybody set it.
struct ConfigKey {
  std::string_view path;  ///< `*` stands for a cluster's name
  SettingKind kind = SettingKind::text;
  std::string_view fallback;  ///< as an environment variable would say it; empty = none
  std::string_view help;
  double lowest = std::numeric_limits<double>::lowest();  ///< durations in seconds
  double highest = std::numeric_limits<double>::max();
};

const std::vector<ConfigKey>& config_keys();

/// The row of `cluster.alpha.gpus` or `refute.checks`; null when there is none.
const ConfigKey* find_config_key(std::string_view path);

/// Whether a running service takes the setting over on SIGHUP; else it needs a restart.
bool applies_on_reload(std::string_view path);

std::string_view kind_word(SettingKind kind);

}  // namespace amdahl::cli
