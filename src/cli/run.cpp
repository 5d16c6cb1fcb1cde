#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "run_rows.hpp"
#include "services.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::chrono::milliseconds run_interval = 100ms;

// The run's row once it has ended; null before.
core::Result<void> read_end(Context& context, const std::string& run_key, json& row) {
  json found;
  if (const auto read = find_run_row(context, run_key, found); !read) return read.error();
  if (found.value("state", "") == "ended") row = std::move(found);
  return {};
}

// Waits for the end; where nobody leads, this process does, and starts nothing else.
core::Result<void> follow(Context& context, const std::string& run_key, json& row) {
  auto& env = context.env;
  const auto start = env.clock.since_boot();
  while (row.is_null()) {
    if (const auto read = read_end(context, run_key, row); !read) return read.error();
    if (!row.is_null()) break;
    if (env.interrupted())
      return core::Error{core::ErrorCode::failed, "interrupted; the run goes on: amdahl runs", {}};
    if (context.options.timeout && env.clock.since_boot() - start > *context.options.timeout) {
      return core::Error{core::ErrorCode::timed_out, "the run has not ended yet", "amdahl runs"};
    }
    const auto ledger = context.services.ledger();
    if (!ledger) return ledger.error();
    const auto head =
        context.services.service() == nullptr ? std::optional{(*ledger)->head()} : std::nullopt;
    if (head && (head->term.empty() || head->released)) {
      Drive drive;
      drive.observe = true;
      drive.done = [&] { return !read_end(context, run_key, row) || !row.is_null(); };
      if (const auto driven = context.services.drive(drive); !driven) return driven.error();
    }
    env.sleep(run_interval);
  }
  return {};
}

ExitCode run_run(Context& context, const Args& args) {
  json answer, row;
  if (const auto asked =
          ask_leader(context, "run_champion", {{"job", args.text("JOB")}}, answer, MayStart::runs);
      !asked) {
    return report(context.env, asked.error());
  }
  const auto run_key = answer.value("run_key", "");
  if (args.has("no-wait")) {
    answer["schema"] = "amdahl.run/v1";
    if (!print_document(context, answer))
      context.env.out << answer.value("worker_run_id", run_key) << '\n';
    return ExitCode::ok;
  }
  if (const auto followed = follow(context, run_key, row); !followed)
    return report(context.env, followed.error());
  row["schema"] = "amdahl.run/v1";
  if (print_document(context, row)) return ExitCode::ok;
  context.env.out << fmt::format("{}  {}  {} GPU-h\n", run_key,
                                 text_or(row.value("outcome", json{}), "unknown"),
                                 gpu_hours(row.value("gpu_hours_charged", json{})));
  return row.value("outcome", json{}) == "succeeded" ? ExitCode::ok : ExitCode::check_failed;
}

}  // namespace

Command run_command() {
  return {"run",
          "the champion once, as production: the hours it saves are banked",
          "  amdahl run eval-qa\n  amdahl run eval-qa --no-wait",
          {{"JOB", "", "the job's name", true}},
          {{"--no-wait", "", "only ask for it"}},
          run_run,
          {}};
}

}  // namespace amdahl::cli
