#include "run_cli.hpp"

#include <ostream>

#include "help.hpp"
#include "parse.hpp"
#include "report.hpp"
#include "services.hpp"

namespace amdahl::cli {

namespace {

// `help jobs add` asks for the same as `jobs add --help`.
std::vector<std::string> without_help_word(const std::vector<std::string>& words) {
  if (words.empty() || words.front() != "help") return words;
  std::vector<std::string> rest{words.begin() + 1, words.end()};
  rest.push_back("--help");
  return rest;
}

}  // namespace

ExitCode run_cli(const std::vector<CommandGroup>& groups, const std::vector<std::string>& words,
                 Environment& env,
                 const std::function<std::unique_ptr<Services>(const GlobalOptions&)>& assemble) {
  auto asked = without_help_word(words);
  if (!asked.empty() && asked.front() == "--version") asked.front() = "version";
  const auto parsed = parse_arguments(groups, asked, env);
  if (!parsed) return report(env, parsed.error());
  if (parsed->command == nullptr) {
    (parsed->help ? env.out : env.err) << help_overview(groups);
    return parsed->help ? ExitCode::ok : ExitCode::usage;
  }
  if (parsed->help) {
    env.out << help_for(*parsed->command, parsed->path);
    return ExitCode::ok;
  }
  const auto services = assemble(parsed->options);
  Context context{env, parsed->options, *services};
  return run_guarded(context, *parsed->command, parsed->args);
}

}  // namespace amdahl::cli
