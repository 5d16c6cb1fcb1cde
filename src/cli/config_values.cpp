#include "config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/core/spelling.hpp"

namespace amdahl::cli {

namespace {

using core::TomlTable;
using nlohmann::json;

void check_adapter(TomlTable& table, const std::string& word) {
  static const std::vector<std::string> known{"local", "slurm", "kubernetes"};
  if (word == "local" || word == "slurm") return;
  if (word == "kubernetes") {
    table.problem("adapter",
                  fmt::format("{} = \"{}\" is not built yet", table.path("adapter"), word),
                  "this version speaks to \"local\" and \"slurm\"");
    return;
  }
  table.problem("adapter", fmt::format("{} = \"{}\" is not known", table.path("adapter"), word),
                core::suggest(word, known));
}

void check_via(TomlTable& table, const std::string& word) {
  if (word == "cli" || word == "rest") return;
  table.problem("via", fmt::format("{} = \"{}\" is no way to Slurm", table.path("via"), word),
                "write \"cli\" or \"rest\"");
}

void check_approval(TomlTable& table, const std::vector<std::string>& patterns) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const auto& pattern = patterns[i];
    if (pattern == "image" || pattern == "patch") continue;
    const auto colon = pattern.find(':');
    const auto kind = pattern.substr(0, colon);
    const bool known = kind == "env" || kind == "arg" || kind == "resource";
    if (known && colon != std::string::npos && colon + 1 < pattern.size()) continue;
    table.problem_at("approval", i, fmt::format("\"{}\" is no pattern of changes", pattern),
                     "write env:NAME, arg:NAME, resource:NAME (each may end in *), image or patch");
  }
}

void check_paths(TomlTable& table, const std::string& name, const std::vector<std::string>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].empty()) table.problem_at(name, i, "an empty path", "leave it out");
  }
  if (files.size() <= core::limits::hook_secrets_max) return;
  table.problem(name, fmt::format("{} names {} files", table.path(name), files.size()),
                fmt::format("{} at most; a rotation needs two", core::limits::hook_secrets_max));
}

void check_listen(TomlTable& table, const std::string& text) {
  const auto colon = text.rfind(':');
  const auto port =
      colon == std::string::npos
          ? std::nullopt
          : core::parse_whole(text.substr(colon + 1).empty() ? "x" : text.substr(colon + 1));
  if (colon != std::string::npos && colon > 0 && port && *port >= 0 && *port < 65536) return;
  table.problem("listen", fmt::format("{} = \"{}\" is no address", table.path("listen"), text),
                "write host:port, like \"127.0.0.1:7717\"");
}

void check_log_level(TomlTable& table, const std::string& word) {
  static const std::vector<std::string> known{"debug", "info", "warning", "error"};
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  table.problem("log_level", fmt::format("{} = \"{}\" is no level", table.path("log_level"), word),
                core::suggest(word, known));
}

// Reading the duration again only for its bounds keeps the person's spelling in `config show`.
std::optional<json> read_duration(TomlTable& table, const std::string& name, const ConfigKey& key) {
  const auto text = table.text(name);
  if (!text) return std::nullopt;
  if (*text == "0s" && key.lowest <= 0) return json(*text);
  const auto duration = table.duration(name);
  if (!duration) return std::nullopt;
  const double seconds = std::chrono::duration<double>(*duration).count();
  if (seconds < key.lowest || seconds > key.highest) {
    table.problem(name, fmt::format("{} = \"{}\" is out of range", table.path(name), *text),
                  fmt::format("allowed: {}s to {}s", key.lowest, key.highest));
    return std::nullopt;
  }
  return json(*text);
}

std::optional<json> read_whole(TomlTable& table, const std::string& name, const ConfigKey& key) {
  const auto whole = table.integer(
      name, {static_cast<std::int64_t>(key.lowest), static_cast<std::int64_t>(key.highest)});
  if (!whole) return std::nullopt;
  if (key.path == "refute.checks" && *whole % 2 == 0) {
    table.problem(name, fmt::format("refute.checks = {} is even; a majority could tie", *whole),
                  fmt::format("use {} or {}", *whole - 1, *whole + 1));
    return std::nullopt;
  }
  return json(*whole);
}

HooksConfig hooks_of(const std::map<std::string, json>& values, const std::string& base) {
  HooksConfig hooks;
  hooks.enabled = values.at(base + "enabled").get<bool>();
  for (const auto& file : values.at(base + "secret_files"))
    hooks.secret_files.emplace_back(file.get<std::string>());
  if (const auto& file = values.at(base + "url_token_file"); !file.is_null())
    hooks.url_token_file = file.get<std::string>();
  return hooks;
}

SlurmConfig slurm_of(const std::map<std::string, json>& values, const std::string& base) {
  const auto text = [&](const char* name) {
    const auto& value = values.at(base + name);
    return value.is_null() ? std::string{} : value.get<std::string>();
  };
  const auto duration = [&](const char* name) {
    return core::parse_duration(text(name)).value_or(std::chrono::milliseconds{0});
  };
  SlurmConfig slurm;
  slurm.via = text("via");
  slurm.url = text("url");
  slurm.user = text("user");
  slurm.token_file = text("token_file");
  if (const auto& words = values.at(base + "token_command"); !words.is_null())
    slurm.token_command = words.get<std::vector<std::string>>();
  slurm.ca_file = text("ca_file");
  slurm.partition = text("partition");
  slurm.account = text("account");
  slurm.qos = text("qos");
  slurm.run_dir = text("run_dir");
  slurm.shim = text("shim");
  slurm.accounting = values.at(base + "accounting").get<bool>();
  slurm.call_timeout = duration("call_timeout");
  slurm.poll_interval = duration("poll_interval");
  slurm.quiet_period = duration("quiet_period");
  slurm.result_grace = duration("result_grace");
  slurm.stop_grace = duration("stop_grace");
  slurm.unschedulable_after = duration("unschedulable_after");
  return slurm;
}

}  // namespace

std::optional<json> read_setting(TomlTable& table, const std::string& name, const ConfigKey& key) {
  if (!table.has(name)) return std::nullopt;
  const auto boxed = [](const auto& value) {
    return value ? std::optional<json>{json(*value)} : std::nullopt;
  };
  switch (key.kind) {
    case SettingKind::text:
    case SettingKind::path: {
      const auto text = table.text(name);
      if (text && key.path == "cluster.*.adapter") check_adapter(table, *text);
      if (text && key.path == "cluster.*.via") check_via(table, *text);
      if (text && key.path == "service.listen") check_listen(table, *text);
      if (text && key.path == "service.log_level") check_log_level(table, *text);
      if (text && text->empty())
        table.problem(name, table.path(name) + " is empty", "leave it out");
      return boxed(text);
    }
    case SettingKind::whole:
      return read_whole(table, name, key);
    case SettingKind::number:
      return boxed(table.number(name, {key.lowest, key.highest}));
    case SettingKind::boolean:
      return boxed(table.boolean(name));
    case SettingKind::duration:
      return read_duration(table, name, key);
    case SettingKind::size: {
      if (!table.bytes(name)) return std::nullopt;
      return boxed(table.text(name));
    }
    case SettingKind::texts:
    case SettingKind::paths: {
      const auto texts = table.texts(name);
      if (texts && key.path == "experiment.approval") check_approval(table, *texts);
      if (texts && key.kind == SettingKind::paths) check_paths(table, name, *texts);
      return boxed(texts);
    }
  }
  return std::nullopt;
}

std::optional<json> value_of_text(const ConfigKey& key, const std::string& text) {
  switch (key.kind) {
    case SettingKind::whole:
    case SettingKind::number: {
      double number = 0;
      const auto* end = text.data() + text.size();
      const auto [rest, problem] = std::from_chars(text.data(), end, number);
      if (problem != std::errc{} || rest != end || !std::isfinite(number)) return std::nullopt;
      if (key.kind == SettingKind::number) return json(number);
      if (number != std::floor(number) || std::abs(number) > 1e15) return std::nullopt;
      return json(static_cast<std::int64_t>(number));
    }
    case SettingKind::boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return json(text == "true");
    case SettingKind::texts:
    case SettingKind::paths: {
      auto list = json::array();
      std::string_view rest = text;
      while (!rest.empty()) {
        const auto comma = rest.find(',');
        list.push_back(std::string{rest.substr(0, comma)});
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      }
      return list;
    }
    default:
      return json(text);
  }
}

Config config_of(std::vector<Setting> settings) {
  std::map<std::string, json> values;
  for (const auto& setting : settings) values[setting.path] = setting.value;
  const auto text = [&](const std::string& path) {
    return values[path].is_null() ? std::string{} : values[path].get<std::string>();
  };
  const auto whole = [&](const std::string& path) {
    return static_cast<int>(values[path].get<std::int64_t>());
  };
  const auto duration = [&](const std::string& path) {
    return core::parse_duration(text(path)).value_or(std::chrono::milliseconds{0});
  };
  Config config;
  config.listen = text("service.listen");
  config.socket = text("service.socket");
  config.tls_certificate = text("service.tls_certificate");
  config.tls_key = text("service.tls_key");
  config.post_key_file = text("service.post_key_file");
  config.log_level = text("service.log_level");
  config.token_file = text("client.token_file");
  config.ca_file = text("client.ca_file");
  config.state_dir = text("service.state_dir");
  config.url_file = text("ledger.url_file");
  config.owner_url_file = text("ledger.owner_url_file");
  if (!values["budget.gpu_hours_per_day"].is_null())
    config.gpu_hours_per_day = values["budget.gpu_hours_per_day"].get<double>();
  config.fleet_share = values["budget.fleet_share"].get<double>();
  config.concurrent_runs = whole("budget.concurrent_runs");
  config.pairs_max = whole("experiment.pairs_max");
  config.approval = values["experiment.approval"].get<std::vector<std::string>>();
  config.checks = whole("refute.checks");
  config.refute_delay = duration("refute.delay");
  config.idle_interval = duration("loop.idle_interval");
  config.lease_ttl = duration("loop.lease_ttl");
  config.observe = values["loop.observe"].get<bool>();
  for (const auto& setting : settings) {
    if (!setting.path.starts_with("cluster.") || !setting.path.ends_with(".adapter")) continue;
    const auto base =
        setting.path.substr(0, setting.path.size() - std::string_view{"adapter"}.size());
    config.clusters.push_back(
        {base.substr(8, base.size() - 9), text(base + "adapter"),
         values[base + "gpus"].get<std::int64_t>(), values[base + "cpus"].get<std::int64_t>(),
         core::parse_bytes(text(base + "memory")).value_or(0), hooks_of(values, base + "hooks."),
         text(base + "post_url"), text(base + "post_ca_file"), slurm_of(values, base)});
  }
  config.settings = std::move(settings);
  return config;
}

}  // namespace amdahl::cli
