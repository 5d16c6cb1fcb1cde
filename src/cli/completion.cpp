#include <fmt/format.h>

#include <ostream>

#include "commands.hpp"
#include "help.hpp"
#include "report.hpp"

namespace amdahl::cli {

namespace {

/// Every path of words that is a command, with what may follow it.
struct Entry {
  std::string path;   ///< `jobs add`; empty = the top
  std::string words;  ///< children and flags
};

void collect(const Command& command, const std::string& path, std::vector<Entry>& entries) {
  std::string words;
  for (const auto& child : command.children) words += child.name + " ";
  for (const auto& option : command.options) words += "--" + long_name(option.name) + " ";
  entries.push_back({path, words});
  for (const auto& child : command.children) collect(child, path + " " + child.name, entries);
}

std::vector<Entry> all_entries() {
  std::vector<Entry> entries;
  std::string top;
  for (const auto& group : command_groups()) {
    for (const auto& command : group.commands) {
      top += command.name + " ";
      collect(command, command.name, entries);
    }
  }
  entries.insert(entries.begin(), {"", top + "help"});
  return entries;
}

std::string global_flags() {
  std::string flags;
  for (const auto& parameter : global_parameters()) flags += "--" + long_name(parameter.name) + " ";
  return flags;
}

// The longest path that the words before the cursor begin with decides.
std::string bash_script() {
  std::string cases;
  for (const auto& entry : all_entries())
    cases += fmt::format("    '{}') words='{}' ;;\n", entry.path, entry.words);
  return fmt::format(R"(# amdahl completion bash > /etc/bash_completion.d/amdahl
_amdahl() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    [[ $word == -* ]] || {{ _amdahl_words "${{path:+$path }}$word" && path=${{path:+$path }}$word; }}
  done
  _amdahl_words "$path"
  COMPREPLY=($(compgen -W "$words {}" -- "$cur"))
  [[ ${{#COMPREPLY[@]}} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$cur"))
}}
_amdahl_words() {{
  case $1 in
{}    *) return 1 ;;
  esac
}}
complete -o filenames -F _amdahl amdahl
)",
                     global_flags(), cases);
}

std::string fish_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return quoted + "'";
}

std::string fish_script() {
  std::string text = "# amdahl completion fish > ~/.config/fish/completions/amdahl.fish\n";
  for (const auto& group : command_groups()) {
    for (const auto& command : group.commands) {
      text += fmt::format("complete -c amdahl -n __fish_use_subcommand -f -a {} -d {}\n",
                          command.name, fish_quoted(command.summary));
      for (const auto& child : command.children) {
        text += fmt::format("complete -c amdahl -n '__fish_seen_subcommand_from {}' -a {} -d {}\n",
                            command.name, child.name, fish_quoted(child.summary));
      }
      for (const auto& option : command.options) {
        text += fmt::format("complete -c amdahl -n '__fish_seen_subcommand_from {}' -l {} -d {}\n",
                            command.name, long_name(option.name), fish_quoted(option.help));
      }
    }
  }
  for (const auto& flag : global_parameters()) {
    text += fmt::format("complete -c amdahl -l {} -d {}\n", long_name(flag.name),
                        fish_quoted(flag.help));
  }
  return text;
}

ExitCode run_completion(Context& context, const Args& args) {
  const auto shell = args.text("SHELL");
  auto& out = context.env.out;
  if (shell == "bash") {
    out << bash_script();
  } else if (shell == "zsh") {
    out << "#compdef amdahl\n# amdahl completion zsh > \"${fpath[1]}/_amdahl\"\nautoload -U +X "
           "bashcompinit && bashcompinit\n"
        << bash_script();
  } else if (shell == "fish") {
    out << fish_script();
  } else {
    return report(context.env,
                  core::invalid_input("no completion for " + shell, "bash, zsh or fish"));
  }
  return ExitCode::ok;
}

}  // namespace

Command completion_command() {
  return {"completion",
          "a shell's completion script",
          "  amdahl completion bash > /etc/bash_completion.d/amdahl\n  amdahl completion fish > "
          "~/.config/fish/completions/amdahl.fish",
          {{"SHELL", "", "bash, zsh or fish", true}},
          {},
          run_completion,
          {}};
}

}  // namespace amdahl::cli
