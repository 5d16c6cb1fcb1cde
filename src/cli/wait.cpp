#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "report.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds verdict_interval{500};

ExitCode exit_code_of_verdict(const json& experiment) {
  if (experiment.value("state", "") == "aborted") return ExitCode::aborted;
  const auto outcome = experiment.value("outcome", json{});
  if (outcome == "win") return ExitCode::ok;
  if (outcome == "refuted" || outcome == "no_effect") return ExitCode::refuted;
  if (outcome == "void") return ExitCode::void_;
  return ExitCode::inconclusive;
}

ExitCode run_wait(Context& context, const Args& args) {
  const auto number = parse_number(args.text("EXP"), "EXP-");
  if (!number) return report(context.env, number.error());
  auto& env = context.env;
  const auto start = env.clock.since_boot();
  json document;
  while (true) {
    if (const auto read = read_view(context, "experiment", {{"experiment", *number}}, document);
        !read) {
      return report(env, read.error());
    }
    const auto state = document.value("state", "");
    if (state == "decided" || state == "aborted") break;
    if (env.interrupted()) return ExitCode::interrupted;
    if (context.options.timeout && env.clock.since_boot() - start > *context.options.timeout) {
      return report(env, {core::ErrorCode::timed_out,
                          fmt::format("EXP-{} is still {}", *number, state), "amdahl status"});
    }
    env.sleep(verdict_interval);
  }
  if (!print_document(context, document)) env.out << verdict_line(document) << '\n';
  return exit_code_of_verdict(document);
}

}  // namespace

Command wait_command() {
  return {"wait",
          "until an experiment has its verdict; the exit code says which",
          "  amdahl wait EXP-12 && deploy\n  amdahl wait 12 --timeout 1h",
          {{"EXP", "", "EXP-12 or 12", true}},
          {},
          run_wait,
          {}};
}

}  // namespace amdahl::cli
