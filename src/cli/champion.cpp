#include <fmt/format.h>

#include <map>
#include <ostream>

#include "amdahl/core/job.hpp"
#include "amdahl/core/quantity.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

/// A job with the two configurations that matter: as its file states it, and with what was won.
struct Champion {
  core::JobSpec job;
  core::Configuration baseline;
  core::Configuration champion;
  json wins = json::array();
};

core::Result<Champion> read_champion(Context& context, const std::string& name) {
  json document;
  if (const auto read = read_view(context, "job", {{"name", name}}, document); !read)
    return read.error();
  const auto job = core::job_from_json(document.value("spec", json::object()));
  if (!job) return job.error();
  const auto champion = core::configuration_from_json(document.value("champion", json::object()));
  if (!champion) return champion.error();
  return Champion{*job, core::baseline_configuration(*job), *champion,
                  document.value("wins", json::array())};
}

// The discovery protocol's values, so that what is printed runs as it stands.
std::vector<std::string> command_of(const core::JobSpec& job,
                                    const core::Configuration& configuration) {
  auto values = configuration.args;
  values.insert({{"seed", "1"}, {"shard", "0"}, {"length", "1"}});
  std::vector<std::string> command;
  for (auto part : job.command) {
    for (const auto& [name, value] : values) {
      const auto braced = "{" + name + "}";
      for (auto at = part.find(braced); at != std::string::npos;
           at = part.find(braced, at + value.size())) {
        part.replace(at, braced.size(), value);
      }
    }
    command.push_back(std::move(part));
  }
  return command;
}

json runnable(const core::JobSpec& job, const core::Configuration& configuration) {
  return {{"command", command_of(job, configuration)},
          {"env", configuration.env},
          {"workdir", job.workdir},
          {"gpus", configuration.resources.gpus},
          {"args", configuration.args},
          {"resources", core::to_json(configuration.resources)},
          {"image", configuration.image},
          {"patches", configuration.patches}};
}

std::string quoted(const std::string& text) {
  constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string shell = "'";
  for (const char c : text) shell += c == '\'' ? "'\\''" : std::string{c};
  return shell + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + quoted(word);
  return line;
}

std::string exports(const std::map<std::string, std::string>& env) {
  std::string text;
  for (const auto& [name, value] : env) text += "export " + name + "=" + quoted(value) + "\n";
  return text;
}

ExitCode print_as(Context& context, const Champion& found, const core::Configuration& configuration,
                  const std::string& form) {
  auto& out = context.env.out;
  if (form == "args") {
    out << joined(command_of(found.job, configuration)) << '\n';
  } else if (form == "env") {
    out << exports(configuration.env);
  } else if (form == "patch") {
    for (const auto& patch : configuration.patches) out << patch;
    if (configuration.patches.empty() && !context.options.quiet)
      context.env.err << "the champion rests on no patch\n";
  } else {
    return report(context.env,
                  core::invalid_input("--as " + form + " is not known", "args, env or patch"));
  }
  return ExitCode::ok;
}

void print_differences(std::ostream& out, const Champion& found) {
  const auto line = [&](const std::string& what, const std::string& before,
                        const std::string& now) {
    if (before != now)
      out << fmt::format("  {}  {} → {}\n", padded(what, 16), before.empty() ? "unset" : before,
                         now);
  };
  for (const auto& [name, value] : found.champion.args) {
    const auto before = found.baseline.args.find(name);
    line(name, before == found.baseline.args.end() ? "" : before->second, value);
  }
  for (const auto& [name, value] : found.champion.env) {
    const auto before = found.baseline.env.find(name);
    line(name, before == found.baseline.env.end() ? "" : before->second, value);
  }
  const auto &old = found.baseline.resources, &now = found.champion.resources;
  line("gpus", std::to_string(old.gpus), std::to_string(now.gpus));
  line("nodes", std::to_string(old.nodes), std::to_string(now.nodes));
  line("cpus", std::to_string(old.cpus), std::to_string(now.cpus));
  line("memory", core::format_bytes(old.memory_bytes), core::format_bytes(now.memory_bytes));
  line("image", found.baseline.image, found.champion.image);
  if (!found.champion.patches.empty())
    out << fmt::format("  {} patches: --as patch\n", found.champion.patches.size());
}

ExitCode run_champion(Context& context, const Args& args) {
  const auto found = read_champion(context, args.text("JOB"));
  if (!found) return report(context.env, found.error());
  const auto& shown = args.has("rollback") ? found->baseline : found->champion;
  if (args.has("as")) return print_as(context, *found, shown, args.text("as"));
  json document{
      {"schema", "amdahl.champion/v1"},
      {"job", found->job.name},
      {"wins", found->wins},
      {"baseline", runnable(found->job, found->baseline)},
      {"champion", runnable(found->job, found->champion)},
      {"quality_metric", found->job.quality_metric},
      {"quality_margin", found->job.has_quality ? json(found->job.quality_margin) : json(nullptr)}};
  if (print_document(context, document)) return ExitCode::ok;
  auto& out = context.env.out;
  std::string wins;
  for (const auto& win : found->wins) wins += " EXP-" + win.dump();
  if (found->champion == found->baseline) {
    out << fmt::format("{}: nothing won yet; the champion is the job as its file states it\n",
                       found->job.name);
  } else {
    out << fmt::format("{}: won in{}\n", found->job.name, wins);
    print_differences(out, *found);
  }
  out << "\nRUN       in " << found->job.workdir << "\n"
      << exports(shown.env) << joined(command_of(found->job, shown)) << '\n';
  if (!(found->champion == found->baseline) && !args.has("rollback")) {
    out << "\nROLLBACK  amdahl champion " << found->job.name << " --rollback\n          "
        << joined(command_of(found->job, found->baseline)) << '\n';
  }
  return ExitCode::ok;
}

}  // namespace

Command champion_command() {
  return {"champion",
          "a job with all that was won, ready to run",
          "  amdahl champion eval-qa\n  eval \"$(amdahl champion eval-qa --as args)\"",
          {{"JOB", "", "the job's name", true}},
          {{"--as", "FORM", "args (the command line), env (exports) or patch, and nothing else"},
           {"--rollback", "", "the job as its file states it"}},
          run_champion,
          {}};
}

}  // namespace amdahl::cli
