#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "forecast.hpp"
#include "numbers.hpp"
#include "proposal_input.hpp"
#include "report.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

// A known idea answers with what was found, not with a new experiment.
ExitCode print_known(Context& context, const json& experiment) {
  auto& out = context.env.out;
  out << fmt::format("known already: {}  {}  {}\n", experiment_name(experiment),
                     change_text(experiment), standing_text(experiment));
  const auto saving = saving_text(experiment),
             reason = text_or(experiment.value("reason", json{}), "");
  if (!saving.empty() && saving != "~") out << "  saving " << saving << '\n';
  if (!reason.empty()) out << "  " << reason << '\n';
  out << fmt::format("  amdahl explain {}; again all the same: --replicate 1 --reason …\n",
                     experiment_name(experiment));
  return ExitCode::ok;
}

ExitCode run_propose(Context& context, const Args& args) {
  const auto proposal = read_proposal_file(context.env, args.text("file"));
  if (!proposal) return report(context.env, proposal.error());
  const auto replicate = args.whole("replicate");
  if (!replicate) return report(context.env, replicate.error());
  if (replicate->value_or(0) > 0 && !args.has("reason")) {
    return report(context.env, core::invalid_input("--replicate needs --reason",
                                                   "say why the old verdict is not enough"));
  }
  json request{{"job", proposal->job},
               {"changes", core::to_json(proposal->changes)},
               {"rationale", proposal->rationale},
               {"phase", proposal->phase},
               {"source", "human"},
               {"replicate", replicate->value_or(0)},
               {"reason", args.text("reason")}};
  if (args.has("dry-run")) {
    if (!print_document(context, request)) context.env.out << request.dump(2) << '\n';
    return ExitCode::ok;
  }
  // Of a service it is not taken from here, but from who asks.
  request["may_approve"] = true;
  json answer;
  if (const auto asked = ask_leader(context, "propose", request, answer); !asked) {
    return report(context.env, asked.error());
  }
  answer["schema"] = "amdahl.propose/v1";
  const auto known = answer.value("known", false);
  const auto forecast = known ? std::nullopt : forecast_for(context, proposal->job);
  if (forecast) answer["forecast"] = to_json(*forecast);
  if (print_document(context, answer)) return ExitCode::ok;
  if (known) return print_known(context, answer.value("experiment", json::object()));
  context.env.out << fmt::format("H-{} is proposed\n", answer.value("hypothesis", json{}).dump());
  if (forecast) context.env.out << "  " << forecast_text(*forecast) << '\n';
  return ExitCode::ok;
}

}  // namespace

Command propose_command() {
  return {"propose",
          "give the loop an idea; a known one answers with its verdict",
          "  amdahl propose -f idea.toml\n  amdahl propose -f idea.toml --dry-run",
          {},
          {{"--file,-f", "FILE", "job, change, rationale (docs/reference/proposals.md)", true},
           {"--replicate", "N", "test it once more although it was decided"},
           {"--reason", "TEXT", "why once more"},
           {"--dry-run", "", "show what would be asked"}},
          run_propose,
          {}};
}

}  // namespace amdahl::cli
