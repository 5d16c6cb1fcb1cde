#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "amdahl/core/job.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/quantity.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "job_input.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

ExitCode run_check(Context& context, const Args& args) {
  const auto job = read_job_file(context.env, args.text("check"));
  if (!job) return report(context.env, job.error());
  const auto hypotheses = core::knob_hypotheses(*job);
  const nlohmann::json document{{"schema", "amdahl.job_check/v1"}, {"ok", true}, {"job", core::to_json(*job)},
                                {"hypotheses", hypotheses.size()}};
  if (print_document(context, document)) return ExitCode::ok;
  auto& out = context.env.out;
  out << fmt::format("{}: valid\n", job->name);
  out << fmt::format("  on {}: {} GPUs, {} CPUs, {}, at most {} a leg\n", job->cluster, job->resources.gpus,
                     job->resources.cpus, core::format_bytes(job->resources.memory_bytes),
                     core::format_duration(job->time_limit));
  const auto baseline = core::baseline_configuration(*job);
  for (const auto& hypothesis : hypotheses) {
    out << fmt::format("  would try {}{}\n", core::describe(hypothesis.changes, baseline),
                       hypothesis.phase.empty() ? "" : "   against " + hypothesis.phase);
  }
  if (hypotheses.empty()) out << "  no knobs: only patches and people's proposals are tried\n";
  return ExitCode::ok;
}

ExitCode run_jobs(Context& context, const Args& args) {
  if (args.has("check")) return run_check(context, args);
  return report(context.env, core::invalid_input("amdahl jobs needs --check FILE"));
}

}  // namespace

Command jobs_command() {
  return {"jobs", "jobs that the loop works on", "  amdahl jobs\n  amdahl jobs --check eval.toml", {},
          {{"--check", "FILE", "read a job file and say what the loop would try; changes nothing"}}, run_jobs, {}};
}

}  // namespace amdahl::cli
