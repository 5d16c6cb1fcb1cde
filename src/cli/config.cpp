#include "config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "amdahl/core/quantity.hpp"
#include "amdahl/core/spelling.hpp"
#include "amdahl/core/toml_table.hpp"
#include "config_keys.hpp"
#include "config_values.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

// Settings by path, each with where it was set last.
using Found = std::map<std::string, Setting>;

std::string origin_of(const core::TomlDocument& document, const std::string& place,
                      const std::string& pointer) {
  const auto at = document.places.find(pointer);
  if (at == document.places.end() || at->second.value.line == 0) return place;
  return fmt::format("{}:{}:{}", place, at->second.value.line, at->second.value.column);
}

// Reads every known key of `document` into `found`; what is unknown or wrong becomes a problem.
class Reading {
 public:
  Reading(const core::TomlDocument& document, std::string place, std::filesystem::path directory,
          Found& found)
      : document_{document},
        place_{std::move(place)},
        directory_{std::move(directory)},
        problems_{place_},
        found_{found} {}

  void read() {
    core::TomlTable root{document_, "", problems_};
    for (const auto* section :
         {"service", "client", "ledger", "budget", "experiment", "refute", "loop"}) {
      auto table = root.table(section);
      refuse_literal_secrets(table, section);
      read_section(table, std::string{section} + ".");
    }
    auto clusters = root.table("cluster");
    for (const auto& name : clusters.keys()) {
      auto table = clusters.table(name);
      const bool label =
          !name.empty() && name.size() <= 63 &&
          name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
      if (!label)
        clusters.problem(name, fmt::format("\"{}\" cannot name a cluster", name),
                         "use a-z, 0-9 and -");
      found_.try_emplace("cluster." + name + ".adapter",
                         Setting{"cluster." + name + ".adapter", "local", "default"});
      auto hooks = table.table("hooks");
      refuse_literal_hook_secrets(hooks);
      read_section(hooks, "cluster." + name + ".hooks.");
      read_section(table, "cluster." + name + ".");
    }
    root.finish();
  }

  const core::Problems& problems() const { return problems_; }

 private:
  void refuse_literal_secrets(core::TomlTable& table, std::string_view section) {
    if (section != "ledger") return;
    for (const auto* key : {"url", "owner_url"}) {
      if (!table.has(key)) continue;
      table.problem(
          key, table.path(key) + ": secrets are read from files",
          fmt::format("write it to a file of mode 0600 and set {}_file", table.path(key)));
    }
  }

  static void refuse_literal_hook_secrets(core::TomlTable& table) {
    for (const auto& [key, file] : std::initializer_list<std::pair<const char*, const char*>>{
             {"secret", "secret_files"},
             {"secrets", "secret_files"},
             {"url_token", "url_token_file"}}) {
      if (!table.has(key)) continue;
      table.problem(key, table.path(key) + ": secrets are read from files",
                    fmt::format("write it to a file of mode 0600 and set {}", table.path(file)));
    }
  }

  // `cluster.alpha.hooks.` as the reference writes it: `cluster.*.hooks.`
  static std::string starred(const std::string& prefix) {
    constexpr std::string_view head = "cluster.";
    if (!prefix.starts_with(head)) return prefix;
    return std::string{head} + "*" + prefix.substr(prefix.find('.', head.size()));
  }

  void read_section(core::TomlTable& table, const std::string& prefix) {
    const auto pattern = starred(prefix);
    for (const auto& key : config_keys()) {
      const auto dot = key.path.rfind('.');
      const auto head = key.path.substr(0, dot + 1);
      const auto name = std::string{key.path.substr(dot + 1)};
      if (head != pattern) continue;
      const auto value = read_setting(table, name, key);
      if (!value) continue;
      const auto pointer = core::child_pointer("/" + slashes(table.name()), name);
      auto stored = *value;
      if (key.kind == SettingKind::path) stored = absolute(stored.get<std::string>());
      if (key.kind == SettingKind::paths) {
        for (auto& file : stored) file = absolute(file.get<std::string>());
      }
      found_[prefix + name] = {prefix + name, stored, origin_of(document_, place_, pointer)};
    }
    table.finish();
  }

  static std::string slashes(std::string dotted) {
    std::replace(dotted.begin(), dotted.end(), '.', '/');
    return dotted;
  }

  std::string absolute(const std::string& text) const {
    return (directory_ / text).lexically_normal().string();
  }

  const core::TomlDocument& document_;
  std::string place_;
  std::filesystem::path directory_;
  core::Problems problems_;
  Found& found_;
};

// One variable or flag as a document of its own, so that the same checks read it.
Result<core::TomlDocument> single_setting(const std::string& path, const ConfigKey& key,
                                          const std::string& text) {
  auto value = value_of_text(key, text);
  if (!value) {
    return Error{
        ErrorCode::invalid_config, fmt::format("\"{}\" is no {}", text, kind_word(key.kind)), {}};
  }
  core::TomlDocument document;
  json* at = &document.root;
  std::string pointer, rest = path;
  while (true) {
    const auto dot = rest.find('.');
    pointer = core::child_pointer(pointer, rest.substr(0, dot));
    document.places[pointer] = {{0, 0}, {0, 0}};
    at = &(*at)[rest.substr(0, dot)];
    if (dot == std::string::npos) break;
    rest.erase(0, dot + 1);
  }
  *at = *value;
  return document;
}

class Errors {
 public:
  void add(const Error& error) {
    auto text = error.message;
    if (!error.hint.empty()) {
      last_hint_ = error.hint;
      text += " (" + error.hint + ")";
    }
    count_ += 1 + std::count(error.message.begin(), error.message.end(), '\n');
    plain_ = error.message;
    if (!all_.empty()) all_ += '\n';
    all_ += text;
  }
  bool empty() const { return count_ == 0; }
  Error error() const {
    if (count_ == 1) return {ErrorCode::invalid_config, plain_, last_hint_};
    return {ErrorCode::invalid_config, all_, fmt::format("{} errors, nothing was applied", count_)};
  }

 private:
  std::string all_, plain_, last_hint_;
  long count_ = 0;
};

void read_single(const std::string& origin, const std::string& path, const std::string& text,
                 const std::filesystem::path& directory, Found& found, Errors& errors) {
  const auto* key = find_config_key(path);
  if (path == "ledger.url" || path == "ledger.owner_url") {
    errors.add({ErrorCode::invalid_config, origin + "  secrets are read from files",
                "set " + path + "_file instead"});
    return;
  }
  if (key == nullptr) {
    std::vector<std::string> known;
    for (const auto& each : config_keys()) known.emplace_back(each.path);
    const auto near = core::closest_word(path, known);
    errors.add({ErrorCode::invalid_config, fmt::format("{}  unknown setting {}", origin, path),
                near.empty() ? "" : "did you mean " + near + "?"});
    return;
  }
  const auto document = single_setting(path, *key, text);
  if (!document) {
    errors.add({ErrorCode::invalid_config, origin + "  " + document.error().message,
                document.error().hint});
    return;
  }
  Reading reading{*document, origin, directory, found};
  reading.read();
  if (!reading.problems().empty()) errors.add(reading.problems().error(ErrorCode::invalid_config));
}

// AMDAHL__REFUTE__CHECKS → refute.checks
std::string path_of_variable(std::string_view name) {
  std::string path;
  name.remove_prefix(std::string_view{"AMDAHL__"}.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "__") {
      path += '.';
      ++i;
    } else {
      path += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
    }
  }
  return path;
}

void add_defaults(const ConfigSources& sources, Found& found) {
  const bool any_cluster = found.lower_bound("cluster.") != found.end() &&
                           found.lower_bound("cluster.")->first.starts_with("cluster.");
  if (!any_cluster) found["cluster.local.adapter"] = {"cluster.local.adapter", "local", "default"};
  std::vector<std::string> clusters;
  for (const auto& [path, setting] : found) {
    if (path.starts_with("cluster.") && path.ends_with(".adapter")) {
      clusters.push_back(path.substr(8, path.size() - 8 - 8));
    }
  }
  const auto add = [&](const std::string& path, const ConfigKey& key) {
    if (found.contains(path)) return;
    json value;
    if (!key.fallback.empty()) value = *value_of_text(key, std::string{key.fallback});
    const bool list = key.kind == SettingKind::texts || key.kind == SettingKind::paths;
    if (list && value.is_null()) value = json::array();
    if (path == "service.state_dir") value = sources.state_dir.string();
    found[path] = {path, value, "default"};
  };
  for (const auto& key : config_keys()) {
    const auto star = key.path.find('*');
    if (star == std::string_view::npos) {
      add(std::string{key.path}, key);
      continue;
    }
    for (const auto& cluster : clusters) {
      add(std::string{key.path.substr(0, star)} + cluster + std::string{key.path.substr(star + 1)},
          key);
    }
  }
}

}  // namespace

Result<Config> load_config(const ConfigSources& sources) {
  Found found;
  Errors errors;
  for (const auto& file : sources.files) {
    const auto document = core::parse_toml(file.text, file.place);
    if (!document) {
      errors.add(document.error());
      continue;
    }
    Reading reading{*document, file.place, std::filesystem::path{file.place}.parent_path(), found};
    reading.read();
    if (!reading.problems().empty())
      errors.add(reading.problems().error(ErrorCode::invalid_config));
  }
  for (const auto& [name, text] : sources.variables) {
    if (!name.starts_with("AMDAHL__")) continue;
    read_single("env " + name, path_of_variable(name), text, sources.directory, found, errors);
  }
  for (const auto& [path, text] : sources.flags) {
    const auto flag = path.substr(path.rfind('.') + 1);
    read_single("flag --" + flag, path, text, sources.directory, found, errors);
  }
  if (!errors.empty()) return errors.error();
  add_defaults(sources, found);
  std::vector<Setting> settings;
  for (const auto& [path, setting] : found) settings.push_back(setting);
  auto config = config_of(std::move(settings));
  for (const auto& file : sources.files) config.files.push_back(file.place);
  return config;
}

}  // namespace amdahl::cli
