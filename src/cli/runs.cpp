#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

Table table_of(const json& rows, const GlobalOptions& options) {
  Table table{{{"run_key", "RUN"},
               {"experiment", "EXP"},
               {"pair", "PAIR", true},
               {"check", "CHECK", true},
               {"attempt", "ATTEMPT", true},
               {"state", "STATE"},
               {"outcome", "OUTCOME"},
               {"gpu_hours", "GPU-H", true},
               {"cluster", "CLUSTER", false, true},
               {"native_id", "NATIVE ID", false, true},
               {"planned", "PLANNED", false, true},
               {"ended", "ENDED", false, true},
               {"reason", "REASON"}}};
  for (const auto& row : rows) {
    const auto charged = row.value("gpu_hours_charged", json{});
    table.add(
        {text_or(row.value("run_key", json{}), "unknown"), experiment_name(row),
         text_or(row.value("pair_index", json{}), ""), text_or(row.value("check_no", json{}), ""),
         text_or(row.value("attempt", json{}), ""), text_or(row.value("state", json{}), "unknown"),
         text_or(row.value("outcome", json{}), ""), charged.is_number() ? gpu_hours(charged) : "",
         text_or(row.value("cluster", json{}), ""), text_or(row.value("native_id", json{}), ""),
         time_text(row.value("planned_at", json{}), options),
         row.value("ended_at", json{}).is_null() ? "" : time_text(row["ended_at"], options),
         text_or(row.value("reason", json{}), "")});
  }
  return table;
}

ExitCode run_runs(Context& context, const Args& args) {
  json query{{"limit", context.options.limit}};
  if (context.options.cursor) query["cursor"] = *context.options.cursor;
  if (args.has("state")) query["state"] = args.text("state");
  if (args.has("EXP")) {
    const auto number = parse_number(args.text("EXP"), "EXP-");
    if (!number) return report(context.env, number.error());
    query["experiment"] = *number;
  }
  json document;
  if (const auto read = read_view(context, "runs", query, document); !read) {
    return report(context.env, read.error());
  }
  return print_list(context, document, "runs", table_of(document["runs"], context.options),
                    "no runs");
}

}  // namespace

Command runs_command() {
  return {"runs",
          "submissions to schedulers",
          "  amdahl runs\n  amdahl runs EXP-12 -o wide",
          {{"EXP", "", "of this experiment only"}},
          {{"--state", "STATE", "planned, submitted, queued, running, ended, …"}},
          run_runs,
          {}};
}

}  // namespace amdahl::cli
