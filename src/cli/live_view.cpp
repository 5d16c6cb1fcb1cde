#include "live_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "numbers.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

std::string word(const json& fields, const char* key) {
  return text_or(fields.value(key, json{}), "unknown");
}

// Log cost ratios are for the judge; people read what is saved.
std::string saved(const json& log_ratio) {
  const auto value = number_of(log_ratio);
  return value ? fmt::format("{:.1f}", 100 * (1 - std::exp(-*value))) : std::string{"…"};
}

bool nominated(const json& fields) {
  const auto checks = fields.value("checks", json::array());
  return std::any_of(checks.begin(), checks.end(),
                     [](const auto& check) { return check.value("planned", 0) > 0; });
}

std::string standing(const json& fields) {
  const auto pairs = fields.value("pairs_complete", 0);
  if (pairs == 0) return "the first pairs are on their way";
  const auto mean = fields.value("mean", json{});
  if (fields.value("kind", json{}) == "canary") {
    return fmt::format("{} pairs  {}", padded(std::to_string(pairs), 3, true),
                       mean.is_null() ? std::string{"difference unknown"}
                                      : fmt::format("differ by {} %", saved(mean)));
  }
  const auto interval = fields.value("interval", json::object());
  auto text = fmt::format("{} pairs  ", padded(std::to_string(pairs), 3, true));
  text += mean.is_null() ? std::string{"saving unknown"}
                         : fmt::format("saving {} % [{} … {}]", saved(mean),
                                       saved(interval.value("lower", json{})),
                                       saved(interval.value("upper", json{})));
  const auto e_value = number_of(fields.value("e_value", json{}));
  const auto needed = number_of(fields.value("e_needed", json{}));
  if (e_value && needed.value_or(0) > 0) {
    text += fmt::format("   evidence {} of {}", evidence_text(*e_value), evidence_text(*needed));
  }
  if (!nominated(fields)) return text;
  return text +
         fmt::format("   checks {} : {}", fields.value("upholds", 0), fields.value("refutes", 0));
}

// Nothing: an event that a watcher need not see.
std::string line_of(std::string_view event, const json& fields) {
  const auto of_experiment = [&](const std::string& text) {
    return fmt::format("{}  {}", padded(experiment_name(fields), 6), text);
  };
  if (event == "started") return "leading as " + word(fields, "holder");
  if (event == "following") return "waiting for " + word(fields, "leader") + ", which leads now";
  if (event == "experiment_registered") {
    const bool noise = fields.value("kind", json{}) == "canary";
    return of_experiment(fmt::format(
        "{}: {}", word(fields, "job"),
        noise ? "its own noise, the same against the same" : "tries " + change_text(fields)));
  }
  if (event == "experiment_stands") return of_experiment(standing(fields));
  if (event == "experiment_nominated") {
    return of_experiment(fmt::format("claims {} %; now refute it: {} pairs a check",
                                     saved(fields.value("claim", json{})),
                                     fields.value("pairs_per_check", 0)));
  }
  if (event == "extension_registered") return of_experiment("upheld, evidence short: more pairs");
  if (event == "experiment_held") return of_experiment("hold: " + word(fields, "reason"));
  if (event == "experiment_decided" && number_of(fields.value("sigma0", json{}))) {
    return of_experiment("its noise is known: " + word(fields, "reason"));
  }
  if (event == "experiment_decided") {
    return of_experiment(
        fmt::format("{}: {}", mark_of(word(fields, "verdict")), word(fields, "reason")));
  }
  if (event == "run_submitted") return {};
  if (event == "run_ended") {
    if (fields.value("outcome", json{}) == "succeeded") return {};
    return fmt::format("run {} {} ({}): {}", word(fields, "run"), word(fields, "outcome"),
                       word(fields, "cause"), word(fields, "reason"));
  }
  std::string text{event};
  for (const auto& [key, value] : fields.items()) text += "  " + key + "=" + text_or(value, "-");
  return text;
}

}  // namespace

std::function<void(std::string_view, const json&)> make_live_view(std::ostream& out) {
  return [&out](std::string_view event, const json& fields) {
    if (const auto line = line_of(event, fields); !line.empty()) out << line << '\n' << std::flush;
  };
}

}  // namespace amdahl::cli
