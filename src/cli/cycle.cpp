#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "commands.hpp"
#include "event_log.hpp"
#include "report.hpp"
#include "services.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

json plan_json(const loop::Actions& plan) {
  json actions = json::object();
  const auto count = [&](const char* name, std::size_t size) {
    if (size > 0) actions[name] = size;
  };
  count("add_jobs", plan.add_jobs.size());
  count("add_hypotheses", plan.add_hypotheses.size());
  count("approve", plan.approve.size());
  count("reject", plan.reject.size());
  count("set_paused", plan.set_paused ? 1U : 0U);
  count("plan_production", plan.plan_production.size());
  count("adopt_runs", plan.adopt.size());
  count("record_runs", plan.record_runs.size());
  count("record_production", plan.record_production.size());
  count("retry_runs", plan.retry_runs.size());
  count("abort", plan.abort.size());
  count("advance", plan.advance.size());
  count("decide", plan.decide.size());
  count("register", plan.register_.size());
  count("open_pairs", plan.open_pairs.size());
  count("submit_runs", plan.submit.size());
  count("release_runs", plan.release.size());
  count("cancel_runs", plan.cancel.size());
  count("acknowledge_runs", plan.acknowledge.size());
  count("finish_commands", plan.finish_commands.size());
  return actions;
}

ExitCode print_plan(Context& context, const loop::Actions& plan) {
  const auto actions = plan_json(plan);
  const json document{{"schema", "amdahl.cycle_plan/v1"},
                      {"actions", actions},
                      {"waiting", plan.waiting},
                      {"work_remains", plan.work_remains}};
  if (print_document(context, document)) return ExitCode::ok;
  auto& out = context.env.out;
  if (actions.empty()) out << "nothing would be done now\n";
  for (const auto& [name, size] : actions.items())
    out << fmt::format("{}  {}\n", padded(size.dump(), 4, true), name);
  for (const auto& reason : plan.waiting) out << "waiting: " << reason << '\n';
  return ExitCode::ok;
}

ExitCode run_cycle(Context& context, const Args& args) {
  if (args.has("dry-run")) {
    const auto plan = context.services.dry_run();
    return plan ? print_plan(context, *plan) : report(context.env, plan.error());
  }
  const auto config = context.services.configuration();
  if (!config) return report(context.env, config.error());
  Drive drive;
  drive.until = Drive::Until::one_cycle;
  drive.patience = context.options.timeout.value_or(2 * config->lease_ttl);
  if (context.options.verbose) drive.log = make_event_log(context.env);
  const auto driven = context.services.drive(drive);
  if (!driven) return report(context.env, driven.error());
  if (driven->end == Driven::End::not_leading) {
    return report(context.env, {core::ErrorCode::conflict, "another loop leads: " + driven->leader,
                                "amdahl status"});
  }
  if (driven->end == Driven::End::stopped) return ExitCode::interrupted;
  const bool left = driven->end == Driven::End::cycled;
  const json document{
      {"schema", "amdahl.cycle/v1"}, {"work_remains", left}, {"waiting", driven->waiting}};
  if (!print_document(context, document) && !context.options.quiet) {
    context.env.out << (left ? "one cycle done; work remains\n" : "nothing is left to do\n");
    for (const auto& reason : driven->waiting) context.env.out << "waiting: " << reason << '\n';
  }
  return left ? ExitCode::ok : ExitCode::nothing_left;
}

}  // namespace

Command cycle_command() {
  return {"cycle",
          "one cycle, then end: 0 while work remains, 9 when nothing is left",
          "  amdahl cycle --once\n  amdahl cycle --once --dry-run",
          {},
          {{"--once", "", "one cycle; the only way there is"},
           {"--dry-run", "", "say what it would do"}},
          run_cycle,
          {}};
}

}  // namespace amdahl::cli
