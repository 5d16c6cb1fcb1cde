#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "report.hpp"
#include "table.hpp"

// approve, abort, pause, resume: one word to the leader each.

namespace amdahl::cli {

namespace {

using nlohmann::json;

ExitCode ask_and_say(Context& context, const std::string& verb, const json& request,
                     const std::string& said, const std::string& undo) {
  json answer;
  if (const auto asked = ask_leader(context, verb, request, answer); !asked) {
    return report(context.env, asked.error());
  }
  answer["schema"] = "amdahl." + verb + "/v1";
  if (print_document(context, answer)) return ExitCode::ok;
  context.env.out << said << '\n';
  if (!undo.empty() && !context.options.quiet) context.env.err << "undo: " << undo << '\n';
  return ExitCode::ok;
}

ExitCode run_approve(Context& context, const Args& args) {
  const auto number = parse_number(args.text("HYPOTHESIS"), "H-");
  if (!number) return report(context.env, number.error());
  return ask_and_say(context, "approve", {{"hypothesis", *number}},
                     fmt::format("H-{} may be tested", *number), "");
}

ExitCode run_abort(Context& context, const Args& args) {
  const auto number = parse_number(args.text("EXP"), "EXP-");
  if (!number) return report(context.env, number.error());
  return ask_and_say(
      context, "abort", {{"experiment", *number}, {"reason", args.text("reason")}},
      fmt::format("EXP-{} is being aborted: its runs are cancelled, its cost is charged", *number),
      "");
}

ExitCode run_pause(Context& context, const Args& args) {
  return ask_and_say(context, "pause", {{"reason", args.text("reason")}},
                     "paused: nothing new starts, running legs finish and are recorded",
                     "amdahl resume");
}

ExitCode run_resume(Context& context, const Args& args) {
  return ask_and_say(context, "resume", {{"reason", args.text("reason")}}, "resumed",
                     "amdahl pause");
}

}  // namespace

Command approve_command() {
  return {"approve",
          "let a change that waits for a person be tested",
          "  amdahl approve H-5\n  amdahl approve 5 -o json",
          {{"HYPOTHESIS", "", "H-5 or 5, as amdahl status lists it", true}},
          {},
          run_approve,
          {}};
}

Command abort_command() {
  return {"abort",
          "stop an experiment without a verdict",
          "  amdahl abort EXP-12 --reason \"needs the nodes\"\n  amdahl abort 12",
          {{"EXP", "", "EXP-12 or 12", true}},
          {{"--reason", "TEXT", "why, for the record"}},
          run_abort,
          {}};
}

Command pause_command() {
  return {"pause",
          "start nothing new",
          "  amdahl pause --reason maintenance\n  amdahl pause",
          {},
          {{"--reason", "TEXT", "why, for the record"}},
          run_pause,
          {}};
}

Command resume_command() {
  return {"resume",
          "go on after a pause",
          "  amdahl resume\n  amdahl resume -o json",
          {},
          {{"--reason", "TEXT", "why, for the record"}},
          run_resume,
          {}};
}

}  // namespace amdahl::cli
