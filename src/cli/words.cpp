#include "words.hpp"

#include <fmt/format.h>

#include "amdahl/core/change.hpp"
#include "numbers.hpp"

namespace amdahl::cli {

using nlohmann::json;

std::string change_text(const json& row) {
  const auto changes = row.contains("change") ? row["change"] : row.value("changes", json::array());
  if (!changes.is_array() || changes.empty()) return "none (A/A)";
  const auto parsed = core::changes_from_json(changes);
  if (!parsed) return changes.dump();
  const auto baseline = core::configuration_from_json(row.value("baseline", json::object()));
  if (baseline && row.contains("baseline") && row["baseline"].is_object())
    return core::describe(*parsed, *baseline);
  std::string text;
  for (const auto& change : *parsed) {
    if (!text.empty()) text += ", ";
    text += change.name.empty() ? core::describe({change}, {}) : change.name + " → " + change.value;
  }
  return text;
}

std::string experiment_name(const json& row) {
  const auto number = row.value("experiment", json{});
  return number.is_null() ? "" : "EXP-" + number.dump();
}

std::string mark_of(const std::string& outcome) {
  if (outcome == "win") return "✔ win";
  if (outcome == "refuted") return "✖ refuted";
  if (outcome == "no_effect") return "~ no effect";
  return outcome;
}

std::string standing_text(const json& row) {
  const auto outcome = row.value("outcome", json{});
  if (outcome.is_string()) return mark_of(outcome.get<std::string>());
  const auto hold = row.value("hold_reason", json{});
  const auto state = text_or(row.value("state", json{}), "unknown");
  return hold.is_string() && !hold.get<std::string>().empty() ? state + ", hold" : state;
}

std::string saving_text(const json& row) {
  const auto outcome = row.value("outcome", json{});
  if (outcome == "no_effect") return "~";
  const auto saving = number_of(row.value("saving", json{}));
  if (!saving) return outcome.is_null() ? "" : "unknown";
  const auto bound = [&](const char* key) {
    const auto value = number_of(row.value(key, json{}));
    return value ? fmt::format("{:.1f}", 100 * *value) : std::string{"…"};
  };
  return fmt::format("{} [{} … {}]", percent(*saving), bound("saving_lower"),
                     bound("saving_upper"));
}

std::string verdict_line(const json& experiment) {
  return fmt::format("{}  {}  {}  {}", experiment_name(experiment), standing_text(experiment),
                     saving_text(experiment), text_or(experiment.value("reason", json{}), ""));
}

std::string votes_text(const json& row) {
  if (row.value("kind", json{}) == "canary")
    return "";  // nothing is claimed, so nothing is voted on
  const auto upholds = row.value("upholds", json{}), refutes = row.value("refutes", json{});
  if (!upholds.is_number() || !refutes.is_number()) return "";
  return upholds.dump() + ":" + refutes.dump();
}

std::string counts_text(const json& counts, const std::string& none) {
  std::string text;
  if (counts.is_object()) {
    for (const auto& [word, count] : counts.items()) {
      if (!count.is_number() || count == 0) continue;
      text += (text.empty() ? "" : " · ") + count.dump() + " " + word;
    }
  }
  return text.empty() ? none : text;
}

}  // namespace amdahl::cli
