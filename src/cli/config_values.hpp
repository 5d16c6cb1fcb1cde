#pragma once

#include "amdahl/core/toml_table.hpp"
#include "config.hpp"
#include "config_keys.hpp"

namespace amdahl::cli {

/// Reads and checks one setting; durations and sizes stay text.
std::optional<nlohmann::json> read_setting(core::TomlTable& table, const std::string& name,
                                           const ConfigKey& key);

/// What a variable or flag says, in the setting's type; lists are separated by commas. Empty when
/// it is not of that type.
std::optional<nlohmann::json> value_of_text(const ConfigKey& key, const std::string& text);

/// The typed configuration of checked settings.
Config config_of(std::vector<Setting> settings);

}  // namespace amdahl::cli
