#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "event_log.hpp"
#include "report.hpp"
#include "services.hpp"

namespace amdahl::cli {

namespace {

ExitCode run_serve(Context& context, const Args& args) {
  const auto config = context.services.configuration();
  if (!config) return report(context.env, config.error());
  Drive drive;
  drive.observe = args.has("observe");
  drive.log = make_event_log(context.env, log_level_of(*config));
  const auto driven = context.services.drive(drive);
  if (!driven) return report(context.env, driven.error());
  drive.log("stopped", nlohmann::json::object());
  return ExitCode::ok;
}

}  // namespace

Command serve_command() {
  return {"serve",
          "run the loop: lead when nobody does, follow else",
          "  amdahl serve\n  amdahl --config ./amdahl.toml serve --observe",
          {},
          {{"--observe", "", "only measure and propose; start no trial"}},
          run_serve,
          {}};
}

}  // namespace amdahl::cli
