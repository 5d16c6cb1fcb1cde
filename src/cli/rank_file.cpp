#include "rank_file.hpp"

#include <fmt/format.h>

#include <chrono>

#include "accounting_text.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/diagnosis/fleet.hpp"
#include "numbers.hpp"

namespace amdahl::cli {

namespace {

using core::Result;
using diagnosis::Family;
using diagnosis::Fleet;
using diagnosis::FleetHours;
using nlohmann::json;

constexpr double month_days = 30.44;
constexpr double hour_s = 3600;
constexpr double window_days_min = 1;  // from less nobody can tell a month

json shares_of(const FleetHours& hours) {
  if (!(hours.paid > 0)) return nullptr;
  return {{"launch", hours.launch / hours.paid},       {"over", hours.over / hours.paid},
          {"failed", hours.failed / hours.paid},       {"timed_out", hours.timed_out / hours.paid},
          {"cancelled", hours.cancelled / hours.paid}, {"redo", hours.redo / hours.paid},
          {"unknown", hours.unknown / hours.paid}};
}

json hours_of(const FleetHours& hours) {
  return {{"paid", hours.paid},     {"launch", hours.launch},       {"over", hours.over},
          {"failed", hours.failed}, {"timed_out", hours.timed_out}, {"cancelled", hours.cancelled},
          {"redo", hours.redo},     {"unknown", hours.unknown},     {"queue", hours.queue}};
}

json row_of(const Family& family, std::optional<double> months) {
  const auto monthly = [&](double value) { return months ? json(value / *months) : json{}; };
  const auto shares = shares_of(family.hours);
  const auto waste = static_cast<double>(family.spent.waste()) / hour_s;
  json row{{"job", family.name},
           {"cluster", family.cluster},
           {"user", family.user},
           {"account", family.account},
           {"partition", family.partition},
           {"gpus", family.gpus},
           {"runs", family.runs},
           {"gpu_hours", hours_of(family.hours)},
           {"waste_gpu_hours", waste},
           {"runs_per_month", monthly(static_cast<double>(family.runs))},
           {"gpu_hours_per_month", monthly(family.hours.paid)},
           {"waste_gpu_hours_per_month", monthly(waste)},
           {"phase_share", shares},
           {"largest_phase", nullptr},
           {"ceiling", nullptr},
           {"explained_share", nullptr},
           {"next", nullptr}};
  if (shares.is_null()) return row;
  row["explained_share"] = 1 - shares["unknown"].get<double>();
  double largest = 0;
  for (const auto& [phase, share] : shares.items()) {
    if (phase == "unknown" || share.get<double>() <= largest) continue;
    largest = share.get<double>();
    row["largest_phase"] = phase;
  }
  if (largest > 0 && largest < 1) row["ceiling"] = 1 / (1 - largest);
  return row;
}

}  // namespace

Result<json> rank_of_file(Environment& env, const std::string& file, std::size_t rows_max) {
  Fleet fleet;
  scheduler_adapters::AccountingListener listener;
  listener.attempt = [&](core::Attempt&& attempt) { fleet.add(attempt); };
  listener.go_on = [] { return true; };
  const auto read = read_accounting_file(env, file, listener);
  if (!read) return read.error();
  const auto days = fleet.days();
  const auto months =
      days && *days >= window_days_min ? std::optional{*days / month_days} : std::nullopt;
  json jobs = json::array();
  for (const auto& family : fleet.ranked(rows_max)) jobs.push_back(row_of(family, months));
  const auto& counts = fleet.counts();
  json document{
      {"schema", "amdahl.rank/v1"},
      {"from", file},
      {"days", days ? json(*days) : json{}},
      {"attempts", counts.attempts},
      {"families", fleet.families()},
      {"left_out",
       {{"not_ended", counts.not_ended},
        {"without_gpus", counts.without_gpus},
        {"without_times", counts.without_times},
        {"experiments", counts.experiments},
        {"unreadable", read->unreadable}}},
      {"first_unreadable_line", read->first_unreadable > 0 ? json(read->first_unreadable) : json{}},
      {"jobs", std::move(jobs)}};
  return Result<json>{boost::system::in_place_value, std::move(document)};
}

Table fleet_table(const json& document) {
  Table table{{{"rank", "#", true},
               {"job", "JOB"},
               {"user", "USER"},
               {"gpus", "GPUS", true},
               {"runs", "RUNS", true},
               {"gpu_hours", "GPU-H", true},
               {"waste", "WASTE GPU-H", true},
               {"largest", "LARGEST WASTE"},
               {"ceiling", "CEILING", true},
               {"explained", "EXPLAINED", true},
               {"queue", "QUEUE GPU-H", true},
               {"cluster", "CLUSTER", false, true},
               {"account", "ACCOUNT", false, true},
               {"partition", "PARTITION", false, true}}};
  const auto& rows = document["jobs"];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    const auto ceiling = number_of(row["ceiling"]);
    const auto largest = row["largest_phase"];
    table.add(
        {std::to_string(i + 1), row["job"], row["user"], row["gpus"].dump(), row["runs"].dump(),
         gpu_hours(row["gpu_hours"]["paid"]), gpu_hours(row["waste_gpu_hours"]),
         largest.is_null() ? "unknown"
                           : fmt::format("{} {}", largest.get<std::string>(),
                                         percent(row["phase_share"][largest.get<std::string>()])),
         ceiling ? fmt::format("×{:.2f}", *ceiling) : (largest.is_null() ? "unknown" : "unbounded"),
         percent(row["explained_share"]), gpu_hours(row["gpu_hours"]["queue"]), row["cluster"],
         row["account"], row["partition"]});
  }
  return table;
}

std::string fleet_note(const json& document) {
  std::string note;
  const auto all = document["families"].get<std::size_t>(), shown = document["jobs"].size();
  if (all > shown) note += fmt::format("{} more: --limit N\n", all - shown);
  const auto days = number_of(document["days"]);
  note += fmt::format("{} attempts", document["attempts"].get<std::int64_t>());
  if (days) {
    const std::chrono::milliseconds window{static_cast<std::int64_t>(*days * 86'400'000)};
    note += " in " + core::format_duration(window);
  }
  std::string without;
  constexpr std::pair<const char*, const char*> reasons[] = {
      {"not_ended", "not ended"},
      {"without_gpus", "without GPUs"},
      {"without_times", "without times"},
      {"experiments", "experiments of a loop"},
      {"unreadable", "unreadable"}};
  for (const auto& [key, words] : reasons) {
    const auto count = document["left_out"].value(key, std::int64_t{0});
    if (count > 0)
      without += fmt::format("{}{} {}", without.empty() ? "; left out: " : ", ", count, words);
  }
  note += without;
  if (const auto line = document.value("first_unreadable_line", json{}); !line.is_null())
    note += fmt::format(" (the first is line {})", line.get<std::int64_t>());
  return note +
         "\nWASTE is what accounting alone can know: attempts that failed, timed out, were "
         "cancelled or "
         "redone,\nlaunch, and GPUs that no step was given. What a run did inside is unknown.\n";
}

}  // namespace amdahl::cli
