#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "event_log.hpp"
#include "report.hpp"
#include "service_doors.hpp"
#include "services.hpp"

namespace amdahl::cli {

namespace {

constexpr std::chrono::milliseconds doors_close_within{3'000};

ExitCode run_serve(Context& context, const Args& args) {
  const auto config = context.services.configuration();
  if (!config) return report(context.env, config.error());
  Drive drive;
  drive.observe = args.has("observe");
  auto url = context.services.ledger_url();
  if (!url) return report(context.env, url.error());
  drive.log = make_event_log(context.env, log_level_of(*config));
  const auto doors = ServiceDoors::open(context, *config, *url, drive.log);
  if (!doors) return report(context.env, doors.error());
  drive.pause = [&](std::chrono::milliseconds time, bool leads) {
    (*doors)->waker().pause(time, leads);
  };
  auto& metrics = (*doors)->metrics();
  drive.on_write = [&](std::chrono::microseconds took) { metrics.ledger_write(took); };
  drive.on_proved = [&] { metrics.ledger_verified(); };
  drive.on_cycle = [&](const loop::CycleReport* report) {
    using telemetry::CycleOutcome;
    if (report == nullptr) return metrics.cycle(CycleOutcome::failed, std::nullopt);
    metrics.cycle(report->acted ? CycleOutcome::acted : CycleOutcome::idle,
                  telemetry::CycleTimes{report->look, report->plan, report->perform});
  };
  const auto driven = context.services.drive(drive);
  (*doors)->close(doors_close_within);
  if (!driven) return report(context.env, driven.error());
  drive.log("stopped", nlohmann::json::object());
  return ExitCode::ok;
}

}  // namespace

Command serve_command() {
  return {"serve",
          "run the loop: lead when nobody does, follow else; answer over HTTP",
          "  amdahl serve\n  amdahl --config ./amdahl.toml serve --observe",
          {},
          {{"--observe", "", "only measure and propose; start no trial"}},
          run_serve,
          {}};
}

}  // namespace amdahl::cli
