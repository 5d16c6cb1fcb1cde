#include "help.hpp"

#include <algorithm>

#include "table.hpp"

namespace amdahl::cli {

namespace {

std::string usage_line(const Command& command, const std::string& path) {
  std::string line = "  amdahl " + path;
  if (!command.children.empty()) line += command.run ? " [COMMAND]" : " COMMAND";
  for (const auto& argument : command.arguments) {
    auto word = argument.name + (argument.many ? "…" : "");
    line += argument.required ? " " + word : " [" + word + "]";
  }
  return line + (command.options.empty() ? "" : " [OPTIONS]") + "\n";
}

std::string spelled(const Parameter& parameter) {
  const auto comma = parameter.name.find(',');
  auto text = parameter.name.substr(0, comma);
  if (comma != std::string::npos) text = parameter.name.substr(comma + 1) + ", " + text;
  return parameter.value.empty() ? text : text + " " + parameter.value;
}

struct Entry {
  std::string left;
  std::string right;
};

std::string listed(const std::string& heading, const std::vector<Entry>& entries) {
  if (entries.empty()) return {};
  std::size_t width = 0;
  for (const auto& entry : entries) width = std::max(width, width_of(entry.left));
  std::string text = "\n" + heading + "\n";
  for (const auto& entry : entries)
    text += "  " + padded(entry.left, width) + "   " + entry.right + "\n";
  return text;
}

}  // namespace

const std::vector<Parameter>& global_parameters() {
  static const std::vector<Parameter> parameters{
      {"--output,-o", "FORMAT", "table, wide, json, jsonl or csv"},
      {"--json", "", "the same as -o json"},
      {"--columns", "A,B", "which columns of a list, in this order"},
      {"--limit", "N", "rows of a list, at most 200 (50)"},
      {"--cursor", "C", "go on where a list ended"},
      {"--config", "FILE", "configuration (/etc/amdahl/amdahl.toml as root, else XDG)"},
      {"--server", "URL", "ask this service: https://HOST:PORT, http://… or unix:/PATH"},
      {"--color", "WHEN", "auto, always or never"},
      {"--no-input", "", "never ask"},
      {"--timeout", "TIME", "how long to wait, like 30s"},
      {"--utc", "", "times in UTC"},
      {"--quiet,-q", "", "only what was asked for"},
      {"--verbose,-v", "", "say more on standard error"},
      {"--help,-h", "", "this text"},
  };
  return parameters;
}

std::string long_name(const std::string& flag) {
  const auto first = flag.substr(0, flag.find(','));
  return first.starts_with("--") ? first.substr(2) : first;
}

std::string help_overview(const std::vector<CommandGroup>& groups) {
  std::string text =
      "  amdahl status                       what the loop does, and why nothing moves\n"
      "  amdahl explain EXP-12               one experiment: numbers, votes, verdict, undo\n\n"
      "amdahl makes GPU jobs cheaper: it tries changes in randomised pairs, tries to refute every\n"
      "win, and banks what survives.\n";
  for (const auto& group : groups) {
    std::vector<Entry> entries;
    for (const auto& command : group.commands) entries.push_back({command.name, command.summary});
    text += listed(group.heading, entries);
  }
  std::vector<Entry> flags;
  for (const auto& parameter : global_parameters())
    flags.push_back({spelled(parameter), parameter.help});
  return text + listed("flags of every command", flags) + "\namdahl help COMMAND says more.\n";
}

std::string help_for(const Command& command, const std::string& path) {
  std::string text =
      command.examples + "\n\n" + command.summary + "\n\nusage\n" + usage_line(command, path);
  std::vector<Entry> children, arguments, options;
  for (const auto& child : command.children) {
    auto words = child.name;
    for (const auto& argument : child.arguments) words += " " + argument.name;
    children.push_back({words, child.summary});
  }
  for (const auto& argument : command.arguments)
    arguments.push_back({argument.name, argument.help});
  for (const auto& option : command.options) options.push_back({spelled(option), option.help});
  text +=
      listed("commands", children) + listed("arguments", arguments) + listed("options", options);
  return text + "\nFlags of every command: amdahl help\n";
}

}  // namespace amdahl::cli
