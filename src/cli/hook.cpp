#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "commands.hpp"
#include "hook_spool.hpp"
#include "hook_take.hpp"
#include "report.hpp"

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using namespace std::chrono_literals;

// What is not given on the command line is as HookWords has it.
HookWords words_of(const Context& context, const Args& args) {
  const auto file = [&](const char* name) {
    return args.has(name) ? context.env.directory / args.text(name) : fs::path{};
  };
  HookWords words;
  if (!context.options.server.empty()) words.server = context.options.server;
  words.secret_file = file("secret-file");
  words.ca_file = file("ca-file");
  if (args.has("spool")) words.spool = file("spool");
  words.cluster = args.text("cluster");
  return words;
}

// Always 0: what a hook cannot do is no reason for Slurm to do anything else.
ExitCode take_event(Context& context, const HookWords& words) {
  const auto wrong = take_slurm_event(words, context.env.variables, context.env.clock);
  if (!wrong.empty()) context.env.err << "amdahl: " << wrong << "\n";
  return ExitCode::ok;
}

ExitCode flush(Context& context, const HookWords& words) {
  const auto target = hook_target(words);
  if (!target) return report(context.env, target.error());
  HookSpool spool{words.spool};
  const auto sent = spool.send(*target, 0ms, context.env.clock);
  context.env.out << text_of(sent) << "\n";
  return sent.left > 0 ? ExitCode::unreachable : ExitCode::ok;
}

// One delivery of a kind that nobody knows: stored, and nothing more.
ExitCode test(Context& context, const HookWords& words) {
  const auto target = hook_target(words);
  if (!target) return report(context.env, target.error());
  json data = json::object();
  if (!words.cluster.empty()) data["cluster"] = words.cluster;
  const json body{{"type", "amdahl.hook.test"}, {"data", data}};
  const auto began = context.env.clock.since_boot();
  const auto delivered = deliver(*target, new_delivery_id(), body.dump(), context.env.clock);
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(context.env.clock.since_boot() - began);
  const auto where = target->client.address.text();
  if (delivered.kind == Delivered::Kind::taken) {
    context.env.out << fmt::format("{} stored it: {}, {} ms\n", where, delivered.status,
                                   took.count());
    return ExitCode::ok;
  }
  if (delivered.status == 0)
    return report(context.env, {core::ErrorCode::unreachable, delivered.words,
                                "is the address right (--server), and does amdahl serve run?"});
  return report(context.env,
                {core::ErrorCode::failed,
                 fmt::format("{} answered {}: {}", where, delivered.status, delivered.words),
                 "docs/reference/webhooks.md says what each answer means"},
                ExitCode::check_failed);
}

// A word of a shell script.
std::string quoted(const std::string& text) {
  std::string all = "'";
  for (const char c : text) all += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return all + "'";
}

// The small program of the same name starts sooner than this one.
std::string hook_program(const Environment& env) {
  const auto small = env.program.parent_path() / "amdahl-hook";
  std::error_code ignored;
  if (fs::exists(small, ignored)) return quoted(small.string());
  return quoted(env.program.string()) + " hook slurm";
}

ExitCode print_config(Context& context, const HookWords& words) {
  const auto secret =
      words.secret_file.empty() ? "/etc/amdahl/secrets/hook" : words.secret_file.string();
  auto command =
      fmt::format("exec {} --server {} --secret-file {} --spool {}", hook_program(context.env),
                  quoted(words.server), quoted(secret), quoted(words.spool.string()));
  if (!words.cluster.empty()) command += " --cluster " + quoted(words.cluster);
  if (!words.ca_file.empty()) command += " --ca-file " + quoted(words.ca_file.string());
  context.env.out
      << "# /etc/slurm/amdahl-hook.sh, mode 0755:\n#!/bin/sh\n"
      << command << " \"$@\"\n\n"
      << "# slurm.conf, one of the two. EpilogSlurmctld knows of an end a second sooner:\n"
         "EpilogSlurmctld=/etc/slurm/amdahl-hook.sh\n"
         "#JobCompType=jobcomp/script\n"
         "#JobCompLoc=/etc/slurm/amdahl-hook.sh\n\n"
      << "# then, as SlurmUser, who must be able to read " << secret << " and write "
      << words.spool.string() << ":\n# /etc/slurm/amdahl-hook.sh --test\n";
  return ExitCode::ok;
}

ExitCode run_hook_slurm(Context& context, const Args& args) {
  const auto words = words_of(context, args);
  if (args.has("print-config")) return print_config(context, words);
  if (args.has("test")) return test(context, words);
  if (args.has("flush")) return flush(context, words);
  return take_event(context, words);
}

Command slurm_hook() {
  return {"slurm",
          "tells the service that a job of Slurm ended",
          "  amdahl hook slurm --print-config\n"
          "  amdahl hook slurm --secret-file /etc/amdahl/secrets/hook --test",
          {},
          {{"--secret-file", "FILE", "whsec_…, as in [cluster.NAME.hooks] secret_files"},
           {"--cluster", "NAME", "the cluster's name in the service's configuration"},
           {"--spool", "DIR", "where deliveries wait (/var/spool/amdahl-hook)"},
           {"--ca-file", "FILE", "PEM of the CA of the service's certificate"},
           {"--flush", "", "send what waits in the spool, and say how much"},
           {"--test", "", "send one delivery and say what the service answers"},
           {"--print-config", "", "print the script and the lines for slurm.conf"}},
          run_hook_slurm,
          {}};
}

}  // namespace

Command hook_command() {
  return {"hook",
          "what schedulers start, to tell the service",
          "  amdahl hook slurm --print-config\n  amdahl hook slurm --flush",
          {},
          {},
          {},
          {slurm_hook()}};
}

}  // namespace amdahl::cli
