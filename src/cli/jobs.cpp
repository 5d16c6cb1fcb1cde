#include <fmt/format.h>

#include <ostream>

#include "amdahl/core/job.hpp"
#include "amdahl/core/quantity.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "job_input.hpp"
#include "job_text.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

ExitCode run_check(Context& context, const std::string& file) {
  const auto job = read_job_file(context.env, file);
  if (!job) return report(context.env, job.error());
  const auto hypotheses = core::knob_hypotheses(*job);
  const json document{{"schema", "amdahl.job_check/v1"},
                      {"ok", true},
                      {"job", core::to_json(*job)},
                      {"hypotheses", hypotheses.size()}};
  if (print_document(context, document)) return ExitCode::ok;
  auto& out = context.env.out;
  out << fmt::format("{}: valid\n", job->name);
  out << fmt::format("  on {}: {} GPUs, {} CPUs, {}, at most {} a leg\n", job->cluster,
                     job->resources.gpus, job->resources.cpus,
                     core::format_bytes(job->resources.memory_bytes),
                     core::format_duration(job->time_limit));
  const auto baseline = core::baseline_configuration(*job);
  for (const auto& hypothesis : hypotheses) {
    out << fmt::format("  would try {}{}\n", core::describe(hypothesis.changes, baseline),
                       hypothesis.phase.empty() ? "" : "   against " + hypothesis.phase);
  }
  if (hypotheses.empty()) out << "  no knobs: only proposals are tried\n";
  return ExitCode::ok;
}

Table table_of(const json& rows) {
  Table table{{{"job", "JOB"},
               {"cluster", "CLUSTER"},
               {"open", "OPEN", true},
               {"decided", "DECIDED", true},
               {"wins", "WINS"},
               {"sigma0", "NOISE", true},
               {"paused", "PAUSED"},
               {"knobs", "KNOBS", false, true},
               {"moves", "CHAMPION MOVES", true, true}}};
  for (const auto& row : rows) {
    std::string wins;
    for (const auto& win : row.value("wins", json::array())) {
      wins +=
          (wins.empty() ? "" : " ") + (win.is_number() ? "EXP-" + win.dump() : text_or(win, ""));
    }
    const auto sigma0 = number_of(row.value("sigma0", json{}));
    table.add({text_or(row.value("name", json{}), "unknown"),
               text_or(row.value("cluster", json{}), "unknown"),
               text_or(row.value("hypotheses_open", json{}), "unknown"),
               text_or(row.value("experiments_decided", json{}), "unknown"), wins,
               sigma0 ? fmt::format("{:.3f}", *sigma0) : "unknown",
               row.value("paused", false) ? "paused" : "", text_or(row.value("knobs", json{}), ""),
               text_or(row.value("champion_moves", json{}), "")});
  }
  return table;
}

ExitCode run_list(Context& context, const Args& args) {
  if (args.has("check")) return run_check(context, args.text("check"));
  json query{{"limit", context.options.limit}}, document;
  if (context.options.cursor) query["cursor"] = *context.options.cursor;
  if (const auto read = read_view(context, "jobs", query, document); !read)
    return report(context.env, read.error());
  return print_list(context, document, "jobs", table_of(document["jobs"]),
                    "no jobs yet: amdahl jobs add FILE");
}

ExitCode run_add(Context& context, const Args& args) {
  if (args.has("dry-run") || args.has("check")) return run_check(context, args.text("FILE"));
  const auto job = read_job_file(context.env, args.text("FILE"));
  if (!job) return report(context.env, job.error());
  json answer;
  if (const auto asked = ask_leader(context, "add_job", {{"spec", core::to_json(*job)}}, answer);
      !asked) {
    return report(context.env, asked.error());
  }
  answer["schema"] = "amdahl.jobs_add/v1";
  if (print_document(context, answer)) return ExitCode::ok;
  const auto note = text_or(answer.value("note", json{}), "");
  context.env.out << fmt::format("{} is in the ledger{}\n", job->name,
                                 note.empty() ? "" : ": " + note);
  if (!context.options.quiet) {
    context.env.err << fmt::format("next: amdahl status · amdahl experiments --job {}\n",
                                   job->name);
  }
  return ExitCode::ok;
}

ExitCode run_show(Context& context, const Args& args) {
  json document;
  if (const auto read = read_view(context, "job", {{"name", args.text("NAME")}}, document); !read) {
    return report(context.env, read.error());
  }
  return print_job(context, document);
}

}  // namespace

Command jobs_command() {
  return {
      "jobs",
      "jobs that the loop works on",
      "  amdahl jobs add eval.toml\n  amdahl jobs --check eval.toml",
      {},
      {{"--check", "FILE", "read a job file and say what the loop would try; changes nothing"}},
      run_list,
      {{"list", "all jobs", "  amdahl jobs list\n  amdahl jobs list -o json", {}, {}, run_list, {}},
       {"add",
        "give the loop a job, or a new version of one",
        "  amdahl jobs add eval.toml\n  amdahl jobs add eval.toml --dry-run",
        {{"FILE", "", "the job file", true}},
        {{"--dry-run", "", "check it only"}, {"--check", "", "the same"}},
        run_add,
        {}},
       {"show",
        "one job: phases, champion, what was tried",
        "  amdahl jobs show eval-qa\n  amdahl jobs show eval-qa -o json",
        {{"NAME", "", "the job's name", true}},
        {},
        run_show,
        {}}}};
}

}  // namespace amdahl::cli
