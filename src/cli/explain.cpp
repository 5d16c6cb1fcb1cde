#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "explain_text.hpp"
#include "forecast.hpp"
#include "job_text.hpp"
#include "numbers.hpp"
#include "recompute.hpp"
#include "report.hpp"
#include "services.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

ExitCode run_recompute(Context& context, const json& experiment) {
  const auto recomputed = recompute(experiment);
  if (!recomputed) return report(context.env, recomputed.error());
  auto document = to_json(*recomputed);
  document["schema"] = "amdahl.recompute/v1";
  document["experiment"] = experiment.value("experiment", json{});
  const auto code = recomputed->agrees() ? ExitCode::ok : ExitCode::check_failed;
  if (print_document(context, document)) return code;
  auto& out = context.env.out;
  if (recomputed->agrees()) {
    out << fmt::format("{}  agrees: the verdict follows from {} measured pairs\n",
                       experiment_name(experiment), recomputed->assessment.standing.pairs_complete);
    return code;
  }
  out << experiment_name(experiment) << "  disagrees: the measurements do not give this verdict\n";
  for (const auto& difference : recomputed->differences) out << "  " << difference << '\n';
  out << "  amdahl ledger verify finds what was altered\n";
  return code;
}

ExitCode explain_hypothesis(Context& context, std::int64_t number) {
  json document;
  if (const auto read = read_view(context, "hypotheses", {{"hypothesis", number}}, document); !read)
    return report(context.env, read.error());
  const auto rows = document.value("hypotheses", json::array());
  if (rows.empty() || rows[0].value("hypothesis", std::int64_t{0}) != number) {
    return report(context.env,
                  {core::ErrorCode::not_found, fmt::format("there is no H-{}", number), {}});
  }
  auto row = rows[0];
  row["schema"] = "amdahl.hypothesis/v1";
  const auto state = row.value("state", json{});
  const auto forecast = state == "proposed" || state == "awaiting_approval"
                            ? forecast_for(context, text_or(row.value("job", json{}), ""))
                            : std::nullopt;
  if (forecast) row["forecast"] = to_json(*forecast);
  if (print_document(context, row)) return ExitCode::ok;
  context.env.out << hypothesis_text(row, forecast ? forecast_text(*forecast) : "");
  return ExitCode::ok;
}

ExitCode run_explain(Context& context, const Args& args) {
  const auto what = args.text("WHAT");
  if (what.starts_with("H-") || what.starts_with("h-")) {
    const auto number = parse_number(what, "H-");
    return number ? explain_hypothesis(context, *number) : report(context.env, number.error());
  }
  const auto number = parse_number(what, "EXP-");
  if (!number) {
    // A job's name is no number.
    json job;
    const bool is_name = !what.starts_with("EXP-") && !what.starts_with("exp-");
    if (is_name && read_view(context, "job", {{"name", what}}, job)) return print_job(context, job);
    return report(context.env, number.error());
  }
  json document;
  if (const auto read = read_view(context, "experiment", {{"experiment", *number}}, document);
      !read) {
    return report(context.env, read.error());
  }
  if (args.has("recompute")) return run_recompute(context, document);
  const bool begun = document.value("pairs_complete", 0) > 0;
  const auto forecast = begun || document.value("state", "") == "decided"
                            ? std::nullopt
                            : forecast_for(context, text_or(document.value("job", json{}), ""));
  if (forecast) document["forecast"] = to_json(*forecast);
  if (print_document(context, document)) return ExitCode::ok;
  context.env.out << explain_text(document, context.options,
                                  forecast ? forecast_text(*forecast) : "");
  return ExitCode::ok;
}

}  // namespace

Command explain_command() {
  return {"explain",
          "one experiment: design, effect, votes, vetoes, undo",
          "  amdahl explain EXP-12\n  amdahl explain EXP-12 --recompute",
          {{"WHAT", "", "EXP-12, 12, a hypothesis H-3, or a job's name", true}},
          {{"--recompute", "",
            "derive the verdict again from the raw measurements; exit 8 if it differs"}},
          run_explain,
          {}};
}

}  // namespace amdahl::cli
