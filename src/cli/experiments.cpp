#include <fmt/format.h>

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
  Table table{{{"experiment", "EXP"},
               {"job", "JOB"},
               {"change", "CHANGE"},
               {"standing", "VERDICT OR STATE"},
               {"pairs", "PAIRS", true},
               {"saving", "SAVING [95 %]"},
               {"evidence", "E", true},
               {"votes", "VOTES", true},
               {"spent", "GPU-H SPENT", true},
               {"phase", "PHASE", false, true},
               {"source", "SOURCE", false, true},
               {"registered", "REGISTERED", false, true},
               {"decided", "DECIDED", false, true},
               {"reason", "REASON", false, true}}};
  for (const auto& row : rows) {
    const auto e_value = number_of(row.value("e_value", json{}));
    const auto hold = text_or(row.value("hold_reason", json{}), "");
    table.add(
        {experiment_name(row), text_or(row.value("job", json{}), "unknown"), change_text(row),
         standing_text(row), text_or(row.value("pairs_complete", json{}), "0"), saving_text(row),
         e_value ? evidence_text(*e_value) : "", votes_text(row),
         gpu_hours(row.value("spent_gpu_hours", json{})), text_or(row.value("phase", json{}), ""),
         text_or(row.value("source", json{}), ""),
         time_text(row.value("registered_at", json{}), options),
         row.value("decided_at", json{}).is_null() ? "" : time_text(row["decided_at"], options),
         text_or(row.value("reason", json{}), hold)});
  }
  return table;
}

ExitCode run_experiments(Context& context, const Args& args) {
  json query{{"limit", context.options.limit}};
  if (context.options.cursor) query["cursor"] = *context.options.cursor;
  for (const auto* key : {"job", "state", "outcome"}) {
    if (args.has(key)) query[key] = args.text(key);
  }
  json document;
  if (const auto read = read_view(context, "experiments", query, document); !read) {
    return report(context.env, read.error());
  }
  return print_list(context, document, "experiments",
                    table_of(document["experiments"], context.options),
                    "no experiments yet: amdahl jobs add FILE gives the loop something to try");
}

}  // namespace

Command experiments_command() {
  return {"experiments",
          "all that was tried, newest first",
          "  amdahl experiments\n  amdahl experiments --outcome win -o json",
          {},
          {{"--job", "NAME", "of this job only"},
           {"--state", "STATE", "registered, discovering, refuting, decided or aborted"},
           {"--outcome", "VERDICT", "win, provisional, refuted, no_effect, inconclusive or void"}},
          run_experiments,
          {}};
}

}  // namespace amdahl::cli
