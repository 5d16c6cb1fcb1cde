#include <fmt/format.h>

#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "rank_file.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

Table table_of(const json& rows) {
  Table table{{{"rank", "#", true},
               {"job", "JOB"},
               {"cluster", "CLUSTER"},
               {"runs", "RUNS/MONTH", true},
               {"gpu_hours", "GPU-H/MONTH", true},
               {"waste", "WASTE GPU-H/MONTH", true},
               {"largest", "LARGEST WASTE"},
               {"ceiling", "CEILING", true},
               {"explained", "EXPLAINED", true},
               {"next", "NEXT"}}};
  int rank = 0;
  for (const auto& row : rows) {
    const auto ceiling = number_of(row.value("ceiling", json{}));
    table.add({std::to_string(++rank), text_or(row.value("job", json{}), "unknown"),
               text_or(row.value("cluster", json{}), "unknown"),
               text_or(row.value("runs_per_month", json{}), "unknown"),
               gpu_hours(row.value("gpu_hours_per_month", json{})),
               gpu_hours(row.value("waste_gpu_hours_per_month", json{})),
               text_or(row.value("largest_phase", json{}), "unknown"),
               ceiling ? fmt::format("×{:.2f}", *ceiling) : "unknown",
               percent(row.value("explained_share", json{})),
               text_or(row.value("next", json{}), "")});
  }
  return table;
}

ExitCode print_fleet(Context& context, const json& document) {
  const auto code = print_list(context, document, "jobs", fleet_table(document),
                               "no attempt of a job with GPUs has ended in it");
  if (code == ExitCode::ok && context.options.for_people() && !context.options.quiet)
    context.env.err << fleet_note(document);
  return code;
}

ExitCode rank_file(Context& context, const std::string& file) {
  const auto document =
      rank_of_file(context.env, file, static_cast<std::size_t>(context.options.limit));
  if (!document) return report(context.env, document.error());
  return print_fleet(context, *document);
}

ExitCode run_rank(Context& context, const Args& args) {
  if (args.has("from")) return rank_file(context, args.text("from"));
  json document;
  json query{{"limit", context.options.limit}};
  if (context.options.cursor) query["cursor"] = *context.options.cursor;
  if (const auto read = read_view(context, "rank", query, document); !read)
    return report(context.env, read.error());
  auto fleet = document.value("fleet", json{});
  if (document["jobs"].empty() && !fleet.is_null() && context.options.format != Format::json) {
    fleet["next_cursor"] = document.value("next_cursor", json{});
    return print_fleet(context, fleet);
  }
  const auto code = print_list(context, document, "jobs", table_of(document["jobs"]),
                               "no jobs yet: amdahl jobs add FILE");
  if (code == ExitCode::ok && context.options.for_people() && !document["jobs"].empty() &&
      !context.options.quiet) {
    context.env.err << "CEILING = speed-up if the largest waste vanished, 1/(1-share)\n";
  }
  if (code != ExitCode::ok || fleet.is_null() || !context.options.for_people()) return code;
  context.env.out << "\nfrom accounting\n";
  return print_fleet(context, fleet);
}

}  // namespace

Command rank_command() {
  return {"rank",
          "where the GPU-hours go, worst first",
          "  amdahl rank\n  amdahl rank --from sacct.txt",
          {},
          {{"--from", "FILE",
            "rank what is in this file of sacct (--parsable2 or --json; - is standard input), "
            "without a "
            "ledger"}},
          run_rank,
          {}};
}

}  // namespace amdahl::cli
