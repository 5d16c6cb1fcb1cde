#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "amdahl/core/job.hpp"
#include "amdahl/core/quantity.hpp"
#include "ask.hpp"
#include "assemble.hpp"
#include "commands.hpp"
#include "dev_ledger.hpp"
#include "event_log.hpp"
#include "job_input.hpp"
#include "live_view.hpp"
#include "report.hpp"
#include "services.hpp"
#include "status_text.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using core::Result;
using nlohmann::json;

constexpr auto insist_window = 3s;  // for a second Ctrl-C
constexpr auto legs_end_within = 15s;

// The legs that outlive the service.
std::vector<scheduler_adapters::Observation> live_runs(Services& services) {
  const auto config = services.configuration();
  if (!config) return {};
  std::vector<scheduler_adapters::Observation> live;
  for (const auto& cluster : config->clusters) {
    const auto adapter = services.adapter(cluster.name);
    if (!adapter) continue;
    for (auto& run : (*adapter)->list().runs) {
      if (run.state != core::RunState::ended) live.push_back(std::move(run));
    }
  }
  return live;
}

// Stops every leg that still runs; what they measured so far is lost, and the ledger retries the
// pairs.
void stop_legs(Environment& env, Services& services) {
  const auto config = services.configuration();
  if (!config) return;
  const auto until = env.clock.since_boot() + legs_end_within;
  for (auto live = live_runs(services); !live.empty(); live = live_runs(services)) {
    for (const auto& cluster : config->clusters) {
      const auto adapter = services.adapter(cluster.name);
      if (!adapter) continue;
      for (const auto& run : live)
        (void)(*adapter)->cancel(run.key, run.ref, scheduler_adapters::CancelMode::stop);
    }
    if (env.clock.since_boot() > until) break;
    env.sleep(100ms);
  }
}

std::unique_ptr<Services> services_of(Context& context, const DevPlace& place) {
  auto options = context.options;
  options.config = place.config_file().string();
  options.ledger_only = true;  // it is the service
  return assemble(context.env, options);
}

ExitCode stop_everything(Context& context, const DevPlace& place) {
  std::error_code ignored;
  if (fs::exists(place.config_file(), ignored))
    stop_legs(context.env, *services_of(context, place));
  auto server = running_dev_ledger(context.env, place);
  if (!server) return report(context.env, server.error());
  if (!*server) {
    context.env.err << "nothing runs in " << place.state_dir.string() << '\n';
    return ExitCode::ok;
  }
  if (const auto stopped = (*server)->stop(); !stopped) return report(context.env, stopped.error());
  context.env.err << "stopped\n";
  return ExitCode::ok;
}

// Only what `amdahl dev` made itself goes; settings in conf.d stay.
Result<void> empty(Context& context, const DevPlace& place) {
  if (stop_everything(context, place) != ExitCode::ok) {
    return core::Error{core::ErrorCode::failed, "the old ledger could not be stopped", {}};
  }
  for (const auto* folder : {"ledger", "runs", "slots", "code", "secrets", "amdahl.toml"}) {
    std::error_code problem;
    fs::remove_all(place.state_dir / folder, problem);
    if (problem) {
      return core::Error{core::ErrorCode::failed,
                         fmt::format("cannot remove {}: {}", (place.state_dir / folder).string(),
                                     problem.message()),
                         {}};
    }
  }
  return {};
}

Result<void> add_jobs(Context& inside, const std::vector<std::string>& files) {
  for (const auto& file : files) {
    const auto job = read_job_file(inside.env, file);
    if (!job) return job.error();
    json answer;
    if (const auto asked = ask_leader(inside, "add_job", {{"spec", core::to_json(*job)}}, answer);
        !asked) {
      return asked.error();
    }
  }
  return {};
}

void say_where(Context& context, const DevPlace& place) {
  if (context.options.quiet) return;
  context.env.err << "amdahl dev in " << place.state_dir.string()
                  << "; Ctrl-C ends it, its ledger goes on from here\n"
                  << "  look around: amdahl --config " << place.config_file().string()
                  << " status\n";
}

void after_interrupt(Context& context, Services& services) {
  auto& env = context.env;
  const auto live = live_runs(services);
  if (live.empty()) return;
  env.err << fmt::format("{} runs go on by themselves; Ctrl-C once more stops them too\n",
                         live.size());
  const auto until = env.clock.since_boot() + insist_window;
  while (env.interrupts() < 2 && env.clock.since_boot() < until) env.sleep(100ms);
  if (env.interrupts() >= 2) stop_legs(env, services);
}

ExitCode drive_to_end(Context& context, Context& inside, const Args& args) {
  Drive drive;
  drive.until = args.has("until-idle") ? Drive::Until::nothing_left : Drive::Until::stopped;
  drive.observe = args.has("observe");
  drive.sole = true;  // DevLock: no other dev, so whoever led here is gone
  if (!context.options.quiet) {
    drive.log = context.options.for_people() ? make_live_view(context.env.err)
                                             : make_event_log(context.env);
  }
  const auto driven = inside.services.drive(drive);
  if (!driven) return report(context.env, driven.error());
  const bool left_waiting = driven->end == Driven::End::nothing_left;
  if (left_waiting && !context.options.quiet && context.options.for_people())
    context.env.err << "nothing is left to try\n";
  for (const auto& reason : left_waiting ? driven->waiting : std::vector<std::string>{}) {
    context.env.err << "waiting: " << reason << '\n';
  }
  json status;
  if (!context.options.quiet && read_status(inside, status)) {
    if (!print_document(context, status)) context.env.out << status_text(status);
  }
  if (driven->end == Driven::End::stopped && context.env.interrupted()) {
    after_interrupt(context, inside.services);
    return ExitCode::interrupted;
  }
  return ExitCode::ok;
}

Result<DevSlots> slots_of(const Args& args) {
  DevSlots slots;
  for (const auto& [name, slot] :
       {std::pair{"gpus", &slots.gpus}, std::pair{"cpus", &slots.cpus}}) {
    const auto number = args.whole(name);
    if (!number) return number.error();
    if (number->value_or(0) < 0)
      return core::invalid_input(fmt::format("--{} {} is negative", name, **number));
    *slot = *number;
  }
  slots.memory = args.text("memory");
  if (!slots.memory.empty() && !core::parse_bytes(slots.memory)) {
    return core::invalid_input("--memory " + slots.memory + " is not a size", "write \"8GiB\"");
  }
  return slots;
}

ExitCode run_dev(Context& context, const Args& args) {
  auto& env = context.env;
  const DevPlace place{args.has("state-dir")
                           ? (env.directory / args.text("state-dir")).lexically_normal()
                           : default_dev_dir(env)};
  if (args.has("stop")) return stop_everything(context, place);
  const auto slots = slots_of(args);
  if (!slots) return report(env, slots.error());
  auto files = args.texts("FILE");
  for (const auto& file : args.texts("job")) files.push_back(file);
  for (const auto& file : files) {
    if (const auto job = read_job_file(env, file); !job) return report(env, job.error());
  }
  const auto lock = DevLock::take(env, place);
  if (!lock) return report(env, lock.error());
  if (args.has("fresh")) {
    if (const auto emptied = empty(context, place); !emptied) return report(env, emptied.error());
  }
  auto server = open_dev_ledger(env, place, *slots);
  if (!server) return report(env, server.error());
  say_where(context, place);
  ExitCode code = ExitCode::ok;
  {
    auto services = services_of(context, place);
    Context inside{env, context.options, *services};
    const auto added = add_jobs(inside, files);
    code = added ? drive_to_end(context, inside, args) : report(env, added.error());
  }
  if (!args.has("keep-ledger")) {
    if (const auto stopped = server->stop(); !stopped) return report(env, stopped.error());
  }
  return code;
}

}  // namespace

Command dev_command() {
  return {"dev",
          "all of it on this machine, with a private ledger",
          "  amdahl dev eval.toml\n  amdahl dev eval.toml --gpus 4 --until-idle",
          {{"FILE", "", "job files to work on", false, true}},
          {{"--job", "FILE", "the same, as a flag", false, true},
           {"--state-dir", "DIR", "ledger, runs, snapshots (the XDG state folder)"},
           {"--gpus", "N", "GPU slots of this machine, when they should not be detected"},
           {"--cpus", "N", "CPUs to hand out, the same"},
           {"--memory", "SIZE", "memory to hand out, the same"},
           {"--until-idle", "", "end when nothing is left to try"},
           {"--keep-ledger", "", "leave the private PostgreSQL running at the end"},
           {"--observe", "", "only measure and propose; start no trial"},
           {"--fresh", "", "forget this folder's ledger first"},
           {"--stop", "", "stop what runs in this folder, legs included"}},
          run_dev,
          {}};
}

}  // namespace amdahl::cli
