#include <fmt/format.h>

#include <ostream>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/run.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "run_rows.hpp"
#include "services.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

/// Where output lies: a run, on a cluster.
struct Where {
  std::string run_key;
  std::string cluster;
};

// The newest run of an experiment (of one of its pairs), or the run itself.
core::Result<Where> find_run(Context& context, const Args& args) {
  const auto text = args.text("WHAT");
  const auto pair = args.whole("pair");
  if (!pair) return pair.error();
  json row;
  if (core::is_run_key(text)) {
    if (const auto read = find_run_row(context, text, row); !read) return read.error();
    return Where{text, text_or(row.value("cluster", json{}), "")};
  }
  const auto number = parse_number(text, "EXP-");
  if (!number)
    return core::invalid_input("\"" + text + "\" is no run and no experiment",
                               "amdahl runs lists them");
  json document;
  if (const auto read =
          read_view(context, "runs", {{"experiment", *number}, {"limit", 200}}, document);
      !read) {
    return read.error();
  }
  for (const auto& run : document.value("runs", json::array())) {  // newest first
    if (*pair && number_of(run.value("pair_index", json{})) != static_cast<double>(**pair))
      continue;
    return Where{text_or(run.value("run_key", json{}), ""),
                 text_or(run.value("cluster", json{}), "")};
  }
  return core::Error{core::ErrorCode::not_found, "no run of " + text + " is known", "amdahl runs"};
}

ExitCode run_logs(Context& context, const Args& args) {
  const auto arm = core::parse<core::Arm>(args.text("arm", "variant"));
  if (!arm)
    return report(context.env, core::invalid_input("--arm " + args.text("arm") + " is not known",
                                                   "baseline or variant"));
  const auto where = find_run(context, args);
  if (!where) return report(context.env, where.error());
  const auto adapter = context.services.adapter(where->cluster);
  if (!adapter) return report(context.env, adapter.error());
  const bool stderr_wanted = args.has("stderr");
  const auto text =
      (*adapter)->fetch_log({where->run_key}, *arm, stderr_wanted, core::limits::leg_output_bytes);
  if (!text) return report(context.env, text.error());
  const json document{{"schema", "amdahl.logs/v1"},
                      {"run_key", where->run_key},
                      {"arm", core::name(*arm)},
                      {"stream", stderr_wanted ? "stderr" : "stdout"},
                      {"text", *text}};
  if (print_document(context, document)) return ExitCode::ok;
  if (!context.options.quiet) {
    context.env.err << fmt::format("{} {} of {}\n", core::name(*arm),
                                   stderr_wanted ? "stderr" : "stdout", where->run_key);
  }
  context.env.out << *text;
  return ExitCode::ok;
}

}  // namespace

Command logs_command() {
  return {"logs",
          "what a leg printed",
          "  amdahl logs EXP-12 --stderr\n  amdahl logs EXP-12 --pair 3 --arm baseline",
          {{"WHAT", "", "EXP-12, or a run's key", true}},
          {{"--pair", "N", "of this pair (the newest)"},
           {"--arm", "ARM", "baseline or variant (variant)"},
           {"--stderr", "", "the error stream"}},
          run_logs,
          {}};
}

}  // namespace amdahl::cli
