#include "status_text.hpp"

#include <fmt/format.h>

#include "numbers.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

std::string hypothesis_name(const json& row) {
  return "H-" + row.value("hypothesis", json{}).dump();
}

std::string loop_word(const json& loop) {
  const auto state = text_or(loop.value("state", json{}), "unknown");
  if (state == "running") return "RUNNING";
  if (state == "paused") return "PAUSED";
  return state == "no_leader" ? "NO LOOP RUNS" : state;
}

// Label and text, `EXPERIMENTS  2 running`; nothing where there is no text.
std::string line(const std::string& label, const std::string& text) {
  return text.empty() ? std::string{} : padded(label, 13) + text + "\n";
}

std::string bank_line(const json& bank) {
  if (!bank.is_object()) return {};
  auto text = fmt::format("{} GPU-h banked · {} spent on tests · {} net",
                          gpu_hours(bank.value("banked_gpu_hours", json{})),
                          gpu_hours(bank.value("spent_gpu_hours", json{})),
                          gpu_hours(bank.value("net_gpu_hours", json{})));
  const auto clawed = number_of(bank.value("clawed_back_gpu_hours", json{}));
  if (clawed && *clawed > 0) text += " · " + gpu_hours(*clawed) + " clawed back";
  const auto projected = number_of(bank.value("projected_gpu_hours_per_month", json{}));
  if (projected) text += " · " + gpu_hours(*projected) + " a month projected, not counted";
  return text;
}

std::string open_lines(const json& open) {
  std::size_t name = 0, job = 0, change = 0;
  for (const auto& row : open) {
    name = std::max(name, width_of(experiment_name(row)));
    job = std::max(job, width_of(text_or(row.value("job", json{}), "")));
    change = std::max(change, width_of(change_text(row)));
  }
  std::string text;
  for (const auto& row : open) {
    const auto e_value = number_of(row.value("e_value", json{}));
    const auto in_flight = row.value("pairs_open", 0);
    text += fmt::format("  {}  {}  {}  {}, {} pairs{}{}{}\n", padded(experiment_name(row), name),
                        padded(text_or(row.value("job", json{}), ""), job),
                        padded(change_text(row), change), standing_text(row),
                        row.value("pairs_complete", json{}).dump(),
                        in_flight > 0 ? fmt::format(" and {} running", in_flight) : "",
                        e_value ? ", E = " + evidence_text(*e_value) : "",
                        votes_text(row).empty() ? "" : ", votes " + votes_text(row));
  }
  return text;
}

}  // namespace

json waiting_of(const json& status) {
  auto waiting = json::array();
  const auto add = [&](const std::string& reason, const std::string& next) {
    waiting.push_back({{"reason", reason}, {"next", next}});
  };
  const auto loop = status.value("loop", json::object());
  const auto state = loop.value("state", "");
  if (state == "no_leader") add("no loop runs", "amdahl serve, or amdahl dev on one machine");
  if (state == "paused") {
    const auto why = text_or(loop.value("paused_reason", json{}), "");
    add("paused" + (why.empty() ? "" : ": " + why), "amdahl resume");
  }
  for (const auto& row : status.value("awaiting", json::array())) {
    add(fmt::format("{} {} waits for approval", hypothesis_name(row), change_text(row)),
        "amdahl approve " + hypothesis_name(row));
  }
  for (const auto& row : status.value("open", json::array())) {
    const auto hold = text_or(row.value("hold_reason", json{}), "");
    if (!hold.empty())
      add(experiment_name(row) + " is on hold: " + hold, "amdahl explain " + experiment_name(row));
  }
  if (status.value("jobs", json{}) == 0) add("there is no job", "amdahl jobs add FILE");
  return waiting;
}

std::string status_text(const json& status) {
  const auto loop = status.value("loop", json::object());
  const auto holder = text_or(loop.value("holder", json{}), "");
  const bool led = loop.value("state", "") != "no_leader" && !holder.empty();
  std::string text =
      fmt::format("amdahl {}   {}{}\n\n", text_or(status.value("version", json{}), ""),
                  loop_word(loop), led ? ", led by " + holder : "");
  text += line("JOBS", text_or(status.value("jobs", json{}), "unknown"));
  text += line("EXPERIMENTS", counts_text(status.value("experiments", json{}), "none yet"));
  text += open_lines(status.value("open", json::array()));
  const auto ideas = status.value("hypotheses", json::object());
  if (ideas.value("proposed", 0) > 0)
    text += line("PROPOSED", fmt::format("{} to be tried, the largest share first",
                                         ideas.value("proposed", 0)));
  text += line("RUNS", counts_text(status.value("runs", json{}), "none under way"));
  text += line("VERDICTS", counts_text(status.value("verdicts", json{}), "none yet"));
  text += line("BANK", bank_line(status.value("bank", json{})));
  text += line("TESTS", fmt::format("{} GPU-h in 24 h, {} reserved by running ones",
                                    gpu_hours(status.value("spent_gpu_hours_24h", json{})),
                                    gpu_hours(status.value("reserved_gpu_hours", json{}))));
  const auto commands = status.value("commands_pending", 0),
             deliveries = status.value("deliveries_pending", 0);
  if (commands > 0 || deliveries > 0)
    text += line("INBOX", fmt::format("{} requests, {} deliveries", commands, deliveries));
  const auto waiting = status.value("waiting", json::array());
  if (!waiting.empty()) text += "\nWAITING\n";
  for (const auto& row : waiting) {
    const auto next = row.value("next", "");
    text += "  " + row.value("reason", "") + (next.empty() ? "" : "   → " + next) + "\n";
  }
  return text;
}

}  // namespace amdahl::cli
