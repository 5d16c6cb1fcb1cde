#include <fmt/format.h>

#include <ostream>

#include "amdahl/core/spelling.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "config_keys.hpp"
#include "report.hpp"
#include "service_check.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

std::string shown(const nlohmann::json& value) { return value.is_null() ? "none" : value.dump(); }

// What a configuration can promise beyond its text: the files it names are there and closed, and a
// service would start with it.
Result<void> check_files(const Config& config) {
  for (const auto& file : {config.url_file, config.owner_url_file}) {
    if (file.empty()) continue;
    if (const auto secret = read_secret(file); !secret) return secret.error();
  }
  const auto problems = service_problems(config);
  if (!problems.empty()) return problems.front();
  return {};
}

ExitCode run_check(Context& context, const Args&) {
  const auto config = read_config(context.env, context.options, {});
  if (!config) return report(context.env, config.error());
  if (const auto checked = check_files(*config); !checked)
    return report(context.env, checked.error());
  const auto set =
      std::count_if(config->settings.begin(), config->settings.end(),
                    [](const Setting& setting) { return setting.origin != "default"; });
  if (print_document(context, {{"schema", "amdahl.config_check/v1"},
                               {"ok", true},
                               {"files", config->files},
                               {"set", set}})) {
    return ExitCode::ok;
  }
  if (config->files.empty()) {
    context.env.out << "no configuration file; every setting is the default\n";
  }
  for (const auto& file : config->files) context.env.out << file << '\n';
  context.env.out << fmt::format("valid: {} settings, {} of them set\n", config->settings.size(),
                                 set);
  return ExitCode::ok;
}

ExitCode run_show(Context& context, const Args& args) {
  const auto config = read_config(context.env, context.options, {});
  if (!config) return report(context.env, config.error());
  nlohmann::json document{{"schema", "amdahl.config/v1"},
                          {"files", config->files},
                          {"settings", nlohmann::json::array()}};
  Table table{{{"setting", "SETTING"},
               {"value", "VALUE"},
               {"origin", "ORIGIN", false, !args.has("origin")}}};
  for (const auto& setting : config->settings) {
    document["settings"].push_back(
        {{"setting", setting.path}, {"value", setting.value}, {"origin", setting.origin}});
    table.add({setting.path, shown(setting.value), setting.origin});
  }
  return print_list(context, document, "settings", table, "no settings");
}

ExitCode run_explain(Context& context, const Args& args) {
  const auto path = args.text("KEY");
  const auto* key = find_config_key(path);
  if (key == nullptr) {
    std::vector<std::string> known;
    for (const auto& each : config_keys()) known.emplace_back(each.path);
    const auto near = core::closest_word(path, known);
    return report(context.env, Error{ErrorCode::not_found, "there is no setting " + path,
                                     near.empty() ? "amdahl config show lists them"
                                                  : "did you mean " + near + "?"});
  }
  const auto config = read_config(context.env, context.options, {});
  if (!config) return report(context.env, config.error());
  const Setting* now = nullptr;
  for (const auto& setting : config->settings) {
    if (setting.path == path) now = &setting;
  }
  std::string variable = "AMDAHL";
  for (std::size_t start = 0; start <= path.size();) {
    const auto dot = std::min(path.find('.', start), path.size());
    variable += "__";
    for (const char c : path.substr(start, dot - start))
      variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    start = dot + 1;
  }
  nlohmann::json document{{"schema", "amdahl.config_explain/v1"},
                          {"setting", path},
                          {"help", key->help},
                          {"kind", kind_word(key->kind)},
                          {"default", key->fallback},
                          {"value", now == nullptr ? nlohmann::json{} : now->value},
                          {"origin", now == nullptr ? "default" : now->origin},
                          {"variable", variable}};
  if (print_document(context, document)) return ExitCode::ok;
  auto& out = context.env.out;
  out << path << "   " << key->help << '\n';
  out << fmt::format("  kind      {}\n  default   {}\n", kind_word(key->kind),
                     key->fallback.empty() ? "none" : key->fallback);
  if (now != nullptr) out << fmt::format("  now       {}   ({})\n", shown(now->value), now->origin);
  out << "  variable  " << variable << '\n';
  return ExitCode::ok;
}

}  // namespace

Command config_command() {
  return {"config",
          "check and show the configuration",
          "  amdahl config check\n  amdahl config show --origin",
          {},
          {},
          nullptr,
          {{"check",
            "read everything and report all that is wrong",
            "  amdahl config check\n  amdahl --config ./amdahl.toml config check",
            {},
            {},
            run_check,
            {}},
           {"show",
            "every setting as it stands",
            "  amdahl config show\n  amdahl config show --origin",
            {},
            {{"--origin", "", "where each was set"}},
            run_show,
            {}},
           {"explain",
            "what a setting means",
            "  amdahl config explain refute.checks\n  amdahl config explain cluster.local.gpus",
            {{"KEY", "", "like refute.checks", true}},
            {},
            run_explain,
            {}}}};
}

}  // namespace amdahl::cli
