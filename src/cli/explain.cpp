#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "explain_text.hpp"
#include "forecast.hpp"
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
  // One row above the wanted one: the list is newest first, by keyset.
  json document;
  if (const auto read =
          read_view(context, "hypotheses", {{"cursor", number + 1}, {"limit", 1}}, document);
      !read) {
    return report(context.env, read.error());
  }
  const auto rows = document.value("hypotheses", json::array());
  if (rows.empty() || rows[0].value("hypothesis", std::int64_t{0}) != number) {
    return report(context.env,
                  {core::ErrorCode::not_found, fmt::format("there is no H-{}", number), {}});
  }
  auto row = rows[0];
  row["schema"] = "amdahl.hypothesis/v1";
  if (print_document(context, row)) return ExitCode::ok;
  context.env.out << hypothesis_text(row);
  return ExitCode::ok;
}

// What an experiment that has not begun will take, from an earlier one of the same job.
std::optional<Forecast> forecast_for(Context& context, const json& experiment) {
  if (experiment.value("pairs_complete", 0) > 0 || experiment.value("state", "") == "decided")
    return std::nullopt;
  json earlier, measured;
  if (!read_view(context, "experiments",
                 {{"job", experiment["job"]}, {"state", "decided"}, {"limit", 1}}, earlier)) {
    return std::nullopt;
  }
  for (const auto& row : earlier.value("experiments", json::array())) {
    (void)read_view(context, "experiment", {{"experiment", row["experiment"]}}, measured);
  }
  return forecast_of(experiment.value("/protocol/job"_json_pointer, json::object()), measured);
}

ExitCode run_explain(Context& context, const Args& args) {
  const auto what = args.text("WHAT");
  if (what.starts_with("H-") || what.starts_with("h-")) {
    const auto number = parse_number(what, "H-");
    return number ? explain_hypothesis(context, *number) : report(context.env, number.error());
  }
  const auto number = parse_number(what, "EXP-");
  if (!number) return report(context.env, number.error());
  json document;
  if (const auto read = read_view(context, "experiment", {{"experiment", *number}}, document);
      !read) {
    return report(context.env, read.error());
  }
  if (args.has("recompute")) return run_recompute(context, document);
  const auto forecast = forecast_for(context, document);
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
          {{"WHAT", "", "EXP-12, 12, or a hypothesis H-3", true}},
          {{"--recompute", "",
            "derive the verdict again from the raw measurements; exit 8 if it differs"}},
          run_explain,
          {}};
}

}  // namespace amdahl::cli
