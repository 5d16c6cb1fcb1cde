#include "parse.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "amdahl/core/quantity.hpp"
#include "amdahl/core/spelling.hpp"
#include "help.hpp"

namespace amdahl::cli {

namespace {

using core::invalid_input;
using core::Result;

// One command as CLI11 sees it: what it was given lands in `values`.
struct Node {
  const Command* command = nullptr;
  std::string path;
  CLI::App* app = nullptr;
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::pair<std::string, CLI::Option*>> switches;
  std::vector<std::unique_ptr<Node>> children;
};

void add_parameter(Node& node, const Parameter& parameter, bool is_argument) {
  const auto name = long_name(parameter.name);
  if (!is_argument && parameter.value.empty()) {
    auto flag = parameter.name;
    node.switches.emplace_back(name, node.app->add_flag(flag, parameter.help));
    return;
  }
  auto* option = node.app->add_option(parameter.name, node.values[name], parameter.help);
  // One word each: what follows an option's value is an argument, however many it may be given.
  if (!is_argument) option->allow_extra_args(false);
  if (parameter.many) {
    if (!is_argument) option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  } else {
    option->expected(1);
    if (!is_argument) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

// CLI11's own `required` would fire before `--help` is seen, so it is checked afterwards.
std::unique_ptr<Node> declare(CLI::App& parent, const Command& command, const std::string& path) {
  auto node = std::make_unique<Node>();
  node->command = &command;
  node->path = path;
  node->app = parent.add_subcommand(command.name, command.summary);
  node->app->set_help_flag();
  node->app->fallthrough();
  node->app->require_subcommand(0, 1);
  for (const auto& argument : command.arguments) add_parameter(*node, argument, true);
  for (const auto& option : command.options) add_parameter(*node, option, false);
  for (const auto& child : command.children) {
    node->children.push_back(declare(*node->app, child, path + " " + child.name));
  }
  return node;
}

const Node* parsed_node(const std::vector<std::unique_ptr<Node>>& nodes) {
  for (const auto& node : nodes) {
    if (!node->app->parsed()) continue;
    const auto* child = parsed_node(node->children);
    return child == nullptr ? node.get() : child;
  }
  return nullptr;
}

Args args_of(const Node& node) {
  Args args;
  for (const auto& [name, values] : node.values) {
    if (!values.empty()) args.set(name, values);
  }
  for (const auto& [name, option] : node.switches) {
    if (option->count() > 0) args.set(name, {});
  }
  return args;
}

std::vector<std::string> flag_names(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const auto& parameter : parameters) names.push_back("--" + long_name(parameter.name));
  return names;
}

// Why `word` was not expected after `node`, with the nearest thing that would have been.
core::Error unexpected(const std::string& word, const std::vector<CommandGroup>& groups,
                       const Node* node) {
  if (word.starts_with("-")) {
    auto known = flag_names(global_parameters());
    if (node != nullptr) {
      const auto own = flag_names(node->command->options);
      known.insert(known.begin(), own.begin(), own.end());
    }
    const auto name = word.substr(0, word.find('='));
    const auto near = core::closest_word(name, known);
    return invalid_input("unknown flag " + name,
                         near.empty() ? "amdahl help" + (node == nullptr ? "" : " " + node->path)
                                      : "did you mean " + near + "?");
  }
  std::vector<std::string> known;
  if (node == nullptr) {
    for (const auto& group : groups) {
      for (const auto& command : group.commands) known.push_back(command.name);
    }
  } else {
    for (const auto& child : node->command->children) known.push_back(child.name);
  }
  const auto near = core::closest_word(word, known);
  const auto path = node == nullptr ? std::string{} : " " + node->path;
  if (node != nullptr && known.empty()) {
    return invalid_input(fmt::format("\"{}\" is one argument too many", word),
                         "amdahl help" + path);
  }
  return invalid_input(
      fmt::format("there is no command \"amdahl{} {}\"", path, word),
      near.empty() ? "amdahl help" + path : fmt::format("did you mean amdahl{} {}?", path, near));
}

core::Result<Format> format_of(const std::string& word) {
  static const std::vector<std::string> names{"table", "wide", "json", "jsonl", "csv"};
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) {
    return invalid_input("unknown output format \"" + word + "\"", core::suggest(word, names));
  }
  return static_cast<Format>(found - names.begin());
}

Result<bool> wants_color(const Args& args, const Environment& env) {
  const auto when = args.text("color", "auto");
  if (when == "always") return true;
  if (when == "never") return false;
  if (when != "auto") {
    return invalid_input("--color " + when + " is not known", "auto, always or never");
  }
  return env.out_is_terminal && env.variable("NO_COLOR").empty() && env.variable("TERM") != "dumb";
}

Result<GlobalOptions> options_of(const Args& args, const Environment& env) {
  GlobalOptions options;
  auto format = format_of(args.text("output", args.has("json") ? "json" : "table"));
  if (!format) return format.error();
  options.format = *format;
  const auto columns = args.text("columns");
  for (std::string_view rest = columns; !rest.empty();) {
    const auto comma = rest.find(',');
    options.columns.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  const auto limit = args.whole("limit");
  if (!limit) return limit.error();
  options.limit = limit->value_or(50);
  if (options.limit < 1 || options.limit > 200) {
    return invalid_input(fmt::format("--limit {} is out of range", options.limit), "1 to 200");
  }
  if (args.has("cursor")) options.cursor = args.text("cursor");
  options.config = args.text("config");
  options.server = args.text("server", env.variable("AMDAHL_SERVER"));
  const auto color = wants_color(args, env);
  if (!color) return color.error();
  options.color = *color;
  if (args.has("timeout")) {
    options.timeout = core::parse_duration(args.text("timeout"));
    if (!options.timeout) {
      return invalid_input("--timeout " + args.text("timeout") + " is no duration",
                           "like 30s or 5m");
    }
  }
  options.input = !args.has("no-input");
  options.utc = args.has("utc") || !env.out_is_terminal;
  options.quiet = args.has("quiet");
  options.verbose = args.has("verbose");
  return options;
}

Result<void> check_required(const Node& node, const Args& args) {
  for (const auto& argument : node.command->arguments) {
    if (!argument.required || args.has(argument.name)) continue;
    return invalid_input(fmt::format("amdahl {} needs {}", node.path, argument.name),
                         "amdahl help " + node.path);
  }
  for (const auto& option : node.command->options) {
    if (!option.required || args.has(long_name(option.name))) continue;
    return invalid_input(fmt::format("amdahl {} needs --{}", node.path, long_name(option.name)),
                         "amdahl help " + node.path);
  }
  if (!node.command->run) {
    return invalid_input("amdahl " + node.path + " needs a command", "amdahl help " + node.path);
  }
  return {};
}

}  // namespace

Result<Parsed> parse_arguments(const std::vector<CommandGroup>& groups,
                               const std::vector<std::string>& words, const Environment& env) {
  CLI::App app{"amdahl"};
  app.set_help_flag();
  app.require_subcommand(0, 1);  // one command: a later word of that name is an argument
  Node root;
  root.app = &app;
  for (const auto& parameter : global_parameters()) add_parameter(root, parameter, false);
  std::vector<std::unique_ptr<Node>> nodes;
  for (const auto& group : groups) {
    for (const auto& command : group.commands) nodes.push_back(declare(app, command, command.name));
  }
  std::vector<std::string> reversed{words.rbegin(), words.rend()};
  try {
    app.parse(reversed);
  } catch (const CLI::ExtrasError&) {
    const auto extras = app.remaining(true);
    return unexpected(extras.empty() ? "?" : extras.front(), groups, parsed_node(nodes));
  } catch (const CLI::ParseError& error) {
    const auto* node = parsed_node(nodes);
    // An unknown flag leaves its value as one argument too many: name the flag, not the
    // consequence.
    for (const auto& extra : app.remaining(true)) {
      if (extra.starts_with("-")) return unexpected(extra, groups, node);
    }
    return invalid_input(error.what(), "amdahl help" + (node == nullptr ? "" : " " + node->path));
  }
  Parsed parsed;
  const auto given = args_of(root);
  auto options = options_of(given, env);
  if (!options) return options.error();
  parsed.options = *options;
  parsed.help = given.has("help");
  const auto* node = parsed_node(nodes);
  if (node == nullptr) return parsed;
  parsed.command = node->command;
  parsed.path = node->path;
  parsed.args = args_of(*node);
  if (parsed.help) return parsed;
  if (const auto complete = check_required(*node, parsed.args); !complete) return complete.error();
  return parsed;
}

}  // namespace amdahl::cli
