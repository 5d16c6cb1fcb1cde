#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <ostream>

#include "amdahl/core/limits.hpp"
#include "amdahl/http/hook_secret.hpp"
#include "amdahl/run_files/durable.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "hook_event.hpp"
#include "hook_spool.hpp"
#include "report.hpp"

// What slurmctld starts when a job ends. It must never hold slurmctld up, whatever happens here.

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto default_spool = "/var/spool/amdahl-hook";
constexpr auto default_url = "http://127.0.0.1:7717";
constexpr auto answer_within = 10s;
constexpr auto sender_patience = 60s;
constexpr std::int64_t log_bytes_max = 1 << 20;

Result<HookTarget> target_of(const Context& context, const Args& args) {
  const auto url = context.options.server.empty() ? default_url : context.options.server;
  const auto address = http_client::parse_service_address(url);
  if (!address) return address.error();
  if (!args.has("secret-file"))
    return core::invalid_input("no --secret-file: the service takes signed webhooks only",
                               "one of [cluster.NAME.hooks] secret_files");
  const auto text = read_secret(context.env.directory / args.text("secret-file"));
  if (!text) return text.error();
  const auto secret = http::hook_secret(*text);
  if (!secret) return secret.error();
  HookTarget target;
  target.client.address = *address;
  target.client.ca_file = args.text("ca-file");
  target.client.answer_within = answer_within;
  target.secret = *secret;
  return target;
}

std::string line_of(const SpoolReport& report) {
  auto line = fmt::format("{} sent, {} left", report.sent, report.left);
  if (report.refused > 0) line += fmt::format(", {} refused (see refused/)", report.refused);
  if (report.dropped > 0)
    line += fmt::format(", {} dropped: over {} waited", report.dropped, spool_files_max);
  return report.problem.empty() ? line : line + ": " + report.problem;
}

// Away from slurmctld: own session, no descriptor of its, what there is to say in the spool's log.
void leave_for_good(const fs::path& folder) {
  ::setsid();
  const auto log = folder / "hook.log";
  const int null = ::open("/dev/null", O_RDWR);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  struct stat status {};
  if (file >= 0 && ::fstat(file, &status) == 0 && status.st_size > log_bytes_max)
    (void)!::ftruncate(file, 0);
  ::dup2(null, 0);
  ::dup2(null, 1);
  ::dup2(file >= 0 ? file : null, 2);
  ::close_range(3, ~0U, 0);
}

[[noreturn]] void send_in_the_background(Context& context, const Args& args,
                                         const fs::path& folder) {
  leave_for_good(folder);
  const auto say = [](const std::string& line) {
    run_files::write_all(STDERR_FILENO, line + "\n");
  };
  HookSpool spool{folder};
  const auto target = target_of(context, args);
  if (!target) {
    (void)spool.bound();  // what nobody can send may not fill the disk
    say(target.error().message);
    ::_exit(0);
  }
  const auto report = spool.send(*target, sender_patience, context.env.clock);
  if (!report.problem.empty() || report.dropped > 0) say(line_of(report));
  ::_exit(0);
}

// Always 0: what a hook cannot do is no reason for Slurm to do anything else.
ExitCode take_event(Context& context, const Args& args, const fs::path& folder) {
  const auto& env = context.env;
  const auto body = slurm_event(env.variables, args.text("cluster"), env.clock.now());
  if (!body) {
    env.err << "amdahl: neither SLURM_JOB_ID nor JOBID is set: slurmctld starts this; by hand, "
               "--test sends a delivery\n";
    return ExitCode::ok;
  }
  if (const auto put = HookSpool{folder}.put(*body); !put) {
    env.err << "amdahl: " << put.error().message << "\n";
    return ExitCode::ok;
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ExitCode::ok;  // the next hook sends it
  const run_files::UniqueFd left{ends[0]};
  run_files::UniqueFd leaving{ends[1]};
  const auto child = ::fork();
  if (child == 0) send_in_the_background(context, args, folder);
  leaving.reset();
  // slurmctld kills the whole group of its script when the script has ended: the sender must be out
  // of it by then. It closes the pipe when it is.
  char none = 0;
  while (child > 0 && ::read(left.get(), &none, 1) < 0 && errno == EINTR) {
  }
  return ExitCode::ok;
}

ExitCode flush(Context& context, const Args& args, const fs::path& folder) {
  const auto target = target_of(context, args);
  if (!target) return report(context.env, target.error());
  HookSpool spool{folder};
  const auto sent = spool.send(*target, 0ms, context.env.clock);
  context.env.out << line_of(sent) << "\n";
  return sent.left > 0 ? ExitCode::unreachable : ExitCode::ok;
}

// One delivery of a kind that nobody knows: stored, and nothing more.
ExitCode test(Context& context, const Args& args) {
  const auto target = target_of(context, args);
  if (!target) return report(context.env, target.error());
  json data = json::object();
  if (args.has("cluster")) data["cluster"] = args.text("cluster");
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

ExitCode print_config(Context& context, const Args& args, const fs::path& folder) {
  const auto url = context.options.server.empty() ? default_url : context.options.server;
  const auto secret = args.text("secret-file", "/etc/amdahl/secrets/hook");
  auto command = fmt::format("exec {} hook slurm --server {} --secret-file {} --spool {}",
                             quoted(context.env.program.string()), quoted(url), quoted(secret),
                             quoted(folder.string()));
  for (const auto* option : {"cluster", "ca-file"}) {
    if (args.has(option)) command += fmt::format(" --{} {}", option, quoted(args.text(option)));
  }
  context.env.out
      << "# /etc/slurm/amdahl-hook.sh, mode 0755:\n#!/bin/sh\n"
      << command << " \"$@\"\n\n"
      << "# slurm.conf, one of the two. EpilogSlurmctld knows of an end a second sooner:\n"
         "EpilogSlurmctld=/etc/slurm/amdahl-hook.sh\n"
         "#JobCompType=jobcomp/script\n"
         "#JobCompLoc=/etc/slurm/amdahl-hook.sh\n\n"
      << "# then, as SlurmUser, who must be able to read " << secret << " and write "
      << folder.string() << ":\n# /etc/slurm/amdahl-hook.sh --test\n";
  return ExitCode::ok;
}

ExitCode run_hook_slurm(Context& context, const Args& args) {
  const auto folder = context.env.directory / args.text("spool", default_spool);
  if (args.has("print-config")) return print_config(context, args, folder);
  if (args.has("test")) return test(context, args);
  if (args.has("flush")) return flush(context, args, folder);
  return take_event(context, args, folder);
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
