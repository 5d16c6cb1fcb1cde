#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "amdahl/core/quantity.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

constexpr double bar_width = 36;

std::string bar(double value, double whole) {
  if (!(whole > 0) || !std::isfinite(value)) return {};
  const auto cells =
      static_cast<int>(std::lround(bar_width * std::min(1.0, std::abs(value) / whole)));
  std::string text;
  for (int i = 0; i < cells; ++i) text += value < 0 ? "▒" : "█";
  return text;
}

Table entries_of(const json& document, const GlobalOptions& options) {
  Table table{{{"entry", "ENTRY", true, true},
               {"experiment", "EXP"},
               {"direction", "WHAT"},
               {"gpu_hours", "GPU-H", true},
               {"period", "PERIOD"},
               {"at", "AT"},
               {"note", "NOTE"}}};
  for (const auto& entry : document.value("entries", json::array())) {
    table.add(
        {text_or(entry.value("entry", json{}), ""),
         text_or(entry.value("name", json{}), experiment_name(entry)),
         text_or(entry.value("direction", json{}), ""), gpu_hours(entry.value("gpu_hours", json{})),
         text_or(entry.value("period", json{}), ""), time_text(entry.value("at", json{}), options),
         text_or(entry.value("note", json{}), "")});
  }
  return table;
}

ExitCode print_balance(Context& context, const json& document) {
  auto& out = context.env.out;
  out << "BANK, GPU-hours    banked = lower 95 % bound × hours really run with the change\n";
  const auto banked = number_of(document.value("banked_gpu_hours", json{})).value_or(0);
  const auto clawed = number_of(document.value("clawed_back_gpu_hours", json{})).value_or(0);
  const auto spent = number_of(document.value("spent_gpu_hours", json{})).value_or(0);
  const auto net = number_of(document.value("net_gpu_hours", json{}));
  const double whole = std::max({banked, clawed, spent, std::abs(net.value_or(0))});
  const auto line = [&](const std::string& what, double value) {
    auto text = fmt::format("  {}{}  {}", padded(what, 26), padded(gpu_hours(value), 10, true),
                            bar(value, whole));
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  line("banked", banked);
  if (clawed > 0) line("clawed back", -clawed);
  line("cost of experiments", -spent);
  if (net) line("net", *net);
  const auto projected = number_of(document.value("projected_gpu_hours_per_month", json{}));
  if (projected) out << fmt::format("  {} a month projected, not counted\n", gpu_hours(*projected));
  const auto entries = entries_of(document, context.options);
  if (entries.empty()) {
    out << "nothing banked yet: only hours really run with a win count (amdahl run JOB)\n";
    return ExitCode::ok;
  }
  const auto text = entries.render(context.options);
  if (!text) return report(context.env, text.error());
  out << '\n' << *text;
  print_more(context, document);
  return ExitCode::ok;
}

core::Result<std::string> since_text(Context& context, const std::string& since) {
  const auto span = core::parse_duration(since);
  if (!span) return since;  // a point in time, for the ledger to read
  const auto at = std::chrono::floor<std::chrono::seconds>(context.env.clock.now() - *span);
  const auto days = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{days};
  const std::chrono::hh_mm_ss time{at - days};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

ExitCode run_bank(Context& context, const Args& args) {
  json query{{"limit", context.options.limit}}, document;
  if (context.options.cursor) query["cursor"] = *context.options.cursor;
  if (args.has("since")) {
    const auto since = since_text(context, args.text("since"));
    if (!since) return report(context.env, since.error());
    query["since"] = *since;
  }
  if (const auto read = read_view(context, "bank", query, document); !read) {
    return report(context.env, read.error());
  }
  if (context.options.for_people()) return print_balance(context, document);
  return print_list(context, document, "entries", entries_of(document, context.options), "");
}

}  // namespace

Command bank_command() {
  return {"bank",
          "GPU-hours saved, clawed back and spent",
          "  amdahl bank\n  amdahl bank --since 30d -o json",
          {},
          {{"--since", "TIME", "entries since then: 30d, or 2026-11-20T00:00:00Z"}},
          run_bank,
          {}};
}

}  // namespace amdahl::cli
