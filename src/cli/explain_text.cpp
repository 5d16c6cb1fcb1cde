#include "explain_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "amdahl/core/quantity.hpp"
#include "arm_means.hpp"
#include "numbers.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

constexpr int label_width = 9;

std::string block(const std::string& label, const std::string& text) {
  if (text.empty()) return {};
  std::string out = padded(label, label_width);
  for (const char c : text) {
    out += c;
    if (c == '\n') out += std::string(label_width, ' ');
  }
  return out + "\n";
}

std::string header(const json& experiment, const GlobalOptions& options) {
  const auto decided = experiment.value("decided_at", json{});
  std::string text = fmt::format("{}  {}   {}{}\n", experiment_name(experiment),
                                 change_text(experiment), standing_text(experiment),
                                 decided.is_null() ? "" : "   " + time_text(decided, options));
  text += fmt::format("job {}", text_or(experiment.value("job", json{}), "unknown"));
  const auto hypothesis = experiment.value("hypothesis", json{});
  if (hypothesis.is_number())
    text += " · H-" + hypothesis.dump() + " by " +
            text_or(experiment.value("source", json{}), "unknown");
  const auto phase = text_or(experiment.value("phase", json{}), "");
  if (!phase.empty()) text += " against " + phase;
  const auto t = experiment.value("t", json{});
  if (t.is_number()) text += " · number " + t.dump() + " of the stream";
  text += " · protocol " +
          text_or(experiment.value("protocol_sha", json{}), "unknown").substr(0, 12) + "\n";
  const auto reason = text_or(experiment.value("reason", json{}),
                              text_or(experiment.value("hold_reason", json{}), ""));
  return reason.empty() ? text : text + reason + "\n";
}

std::string design(const json& experiment) {
  const auto protocol = experiment.value("protocol", json::object());
  std::string text = "randomised pairs on the same nodes; coins committed as " +
                     text_or(experiment.value("salt_hash", json{}), "unknown").substr(0, 12);
  const auto e_value = number_of(experiment.value("e_value", json{}));
  const auto needed = number_of(experiment.value("e_needed", json{}));
  const auto sigma0 = number_of(protocol.value("sigma0", json{}));
  text +=
      fmt::format("\nnoise sigma0 {} from {}", sigma0 ? fmt::format("{:.4g}", *sigma0) : "unknown",
                  text_or(protocol.value("sigma0_source", json{}), "unknown"));
  if (e_value && needed) {
    text += fmt::format("\n{} pairs, E = {} (a win needs {})",
                        text_or(experiment.value("pairs_complete", json{}), "0"),
                        evidence_text(*e_value), evidence_text(*needed));
  }
  return block("DESIGN", text);
}

std::string number_text(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "unknown";
}

std::string bytes_text(const std::optional<double>& value) {
  return value ? core::format_bytes(static_cast<std::int64_t>(*value)) : "unknown";
}

std::string effect(const json& experiment) {
  const auto means = means_of(experiment);
  if (means.baseline.pairs == 0) return {};
  const auto job = experiment.value("/protocol/job"_json_pointer, json::object());
  Table table{{{"what", ""},
               {"baseline", "baseline", true},
               {"variant", "variant", true},
               {"difference", "saving [95 %]"},
               {"n", "n", true}}};
  const auto n = fmt::format("{}+{}", means.baseline.pairs, means.variant.pairs);
  const auto saving = saving_text(experiment);
  table.add({"GPU-s per " + text_or(job.value("unit", json{}), "unit"),
             number_text(means.baseline.cost), number_text(means.variant.cost), saving, n});
  table.add(
      {"seconds", number_text(means.baseline.seconds), number_text(means.variant.seconds), "", n});
  const auto metric = text_or(job.value("quality_metric", json{}), "");
  if (!metric.empty()) {
    table.add({metric, number_text(means.baseline.quality), number_text(means.variant.quality),
               "margin " + text_or(job.value("quality_margin", json{}), "unknown"), n});
  }
  table.add({"peak memory", bytes_text(means.baseline.memory_bytes),
             bytes_text(means.variant.memory_bytes), "", n});
  auto text = *table.render({});
  text.pop_back();
  return block("EFFECT", text);
}

std::string mark_of_vote(const std::string& vote, bool decided) {
  if (vote == "uphold") return "✔";
  if (vote == "refute") return "✖";
  return vote.empty() && !decided ? "●" : "·";
}

std::string votes(const json& experiment) {
  const auto checks = experiment.value("checks", json::array());
  std::string lines;
  const bool decided = experiment.value("verdict", json{}).is_object();
  int upholds = 0, refutes = 0, registered = 0;
  for (const auto& check : checks) {
    const auto number = check.value("check_no", 0);
    const auto kind = text_or(check.value("kind", json{}), "unknown");
    if (number < 1 || kind == "extension") continue;
    ++registered;
    const auto vote = text_or(check.value("vote", json{}), "");
    upholds += vote == "uphold" ? 1 : 0;
    refutes += vote == "refute" ? 1 : 0;
    const auto mean = number_of(check.value("mean", json{}));
    const auto delay_s = check.value("delay_s", json{});
    const auto delay = delay_s.is_number_integer()
                           ? std::chrono::seconds{delay_s.get<std::int64_t>()}
                           : std::chrono::seconds::zero();
    const auto when = delay.count() > 0
                          ? ", " + core::format_duration(delay) + " after the nomination"
                          : std::string{};
    lines +=
        fmt::format("\n{} {}  {}{}{}", mark_of_vote(vote, decided), padded(kind, 18),
                    !vote.empty() ? vote
                    : decided     ? "not needed"
                                  : "open",
                    mean ? fmt::format(", measured {}", percent(1 - std::exp(-*mean))) : "", when);
  }
  if (registered == 0) return {};
  auto text = fmt::format("{} uphold · {} refute · majority of {} = {}", upholds, refutes,
                          registered, registered / 2 + 1);
  const auto claim = number_of(experiment.value("/nomination/claim"_json_pointer, json{}));
  if (claim) text += fmt::format(" · claim {}", percent(1 - std::exp(-*claim)));
  return block("VOTES", text + lines);
}

std::string vetoes(const json& experiment) {
  const auto gates = experiment.value("/verdict/evidence/gates"_json_pointer, json::array());
  std::string passed, others;
  int passes = 0;
  for (const auto& gate : gates) {
    const auto outcome = text_or(gate.value("outcome", json{}), "unknown");
    const auto name = text_or(gate.value("gate", json{}), "unknown");
    if (outcome == "pass") {
      ++passes;
      passed += (passed.empty() ? "" : " · ") + name;
    } else {
      others += fmt::format("\n{} {}  {}  {}", outcome == "veto" ? "✖" : "·", name, outcome,
                            text_or(gate.value("reason", json{}), ""));
    }
  }
  if (gates.empty()) return {};
  return block("VETOES", fmt::format("{} of {} pass   {}", passes, gates.size(), passed) + others);
}

// A job's words reach a terminal: without its control characters.
char harmless(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f ? '?' : c; }

// How legs ended that did not end well, each kind once with the tail of what it said.
std::string failures(const json& experiment) {
  std::string text;
  std::string shown;
  for (const auto& pair : experiment.value("pairs", json::array())) {
    for (const auto& leg : pair.value("legs", json::array())) {
      const auto tail = text_or(leg.value("error_tail", json{}), "");
      const auto code = number_of(leg.value("exit_code", json{}));
      const auto problem = text_or(leg.value("problem", json{}), "");
      const bool failed = leg.value("timed_out", false) || leg.value("out_of_memory", false) ||
                          number_of(leg.value("signal", json{})) || (code && *code != 0) ||
                          !problem.empty();
      if (!failed || tail + problem == shown) continue;
      shown = tail + problem;
      text += fmt::format(
          "{}pair {} {}: {}{}", text.empty() ? "" : "\n", text_or(pair.value("index", json{}), ""),
          text_or(leg.value("arm", json{}), ""),
          leg.value("timed_out", false)            ? "time limit"
          : number_of(leg.value("signal", json{})) ? "signal " + leg["signal"].dump()
          : code && *code != 0                     ? "exit " + leg["exit_code"].dump()
                                                   : "",
          problem.empty() ? "" : " " + problem);
      std::string line = "\n  ";
      for (const char c : tail) line += c == '\n' ? std::string{"\n  "} : std::string{harmless(c)};
      if (!tail.empty()) text += line.substr(0, line.find_last_not_of(" \n") + 1);
    }
  }
  return block("FAILED", text);
}

std::string pairs(const json& experiment, const GlobalOptions& options) {
  auto text = fmt::format("{} complete · {} void · {} open · {} GPU-h spent",
                          text_or(experiment.value("pairs_complete", json{}), "0"),
                          text_or(experiment.value("pairs_void", json{}), "0"),
                          text_or(experiment.value("pairs_open", json{}), "0"),
                          gpu_hours(experiment.value("spent_gpu_hours", json{})));
  if (options.format == Format::wide) {
    for (const auto& pair : experiment.value("pairs", json::array())) {
      std::string legs;
      for (const auto& leg : pair.value("legs", json::array())) {
        const auto window = number_of(leg.value("window_us", json{}));
        legs += fmt::format("  {} {}", text_or(leg.value("arm", json{}), ""),
                            window ? fmt::format("{:.3f} s", *window / 1e6) : "unknown");
      }
      auto line = fmt::format("{}  check {}  {}{}  {}",
                              padded(text_or(pair.value("index", json{}), ""), 3, true),
                              text_or(pair.value("check_no", json{}), ""),
                              padded(text_or(pair.value("state", json{}), ""), 8), legs,
                              text_or(pair.value("void_reason", json{}), ""));
      line.erase(line.find_last_not_of(' ') + 1);
      text += "\n" + line;
    }
  }
  return block("PAIRS", text);
}

std::string banked(const json& experiment) {
  if (experiment.value("outcome", json{}) != "win") return {};
  double hours = 0;
  for (const auto& entry : experiment.value("bank", json::array())) {
    const auto value = number_of(entry.value("gpu_hours", json{})).value_or(0);
    hours += text_or(entry.value("direction", json{}), "") == "clawback" ? -value : value;
  }
  const auto job = text_or(experiment.value("job", json{}), "JOB");
  return block("BANKED", gpu_hours(hours) +
                             " GPU-h so far = lower bound × hours really run with the change") +
         block("UNDO",
               "amdahl champion " + job + " --rollback prints the job as its file states it");
}

}  // namespace

std::string explain_text(const json& experiment, const GlobalOptions& options,
                         const std::string& forecast) {
  std::string text = header(experiment, options) + "\n" + design(experiment);
  if (!forecast.empty()) text += block("FORECAST", forecast);
  text += effect(experiment) + votes(experiment) + vetoes(experiment) + failures(experiment);
  return text + pairs(experiment, options) + banked(experiment);
}

std::string hypothesis_text(const json& hypothesis, const std::string& forecast) {
  const auto name = "H-" + hypothesis.value("hypothesis", json{}).dump();
  auto text = fmt::format("{}  {}   {}\n", name, change_text(hypothesis),
                          text_or(hypothesis.value("state", json{}), "unknown"));
  text += fmt::format("job {} · by {}\n", text_or(hypothesis.value("job", json{}), "unknown"),
                      text_or(hypothesis.value("source", json{}), "unknown"));
  const auto line = [&](const std::string& label, const std::string& words) {
    text += block(label, words);
  };
  line("ATTACKS", text_or(hypothesis.value("phase", json{}), ""));
  const auto ceiling = number_of(hypothesis.value("ceiling", json{}));
  if (ceiling) line("CEILING", fmt::format("×{:.2f} if that vanished", *ceiling));
  line("WHY", text_or(hypothesis.value("rationale", json{}), ""));
  line("FORECAST", forecast);
  line("REASON", text_or(hypothesis.value("reason", json{}), ""));
  const auto duplicate = hypothesis.value("duplicate_of", json{}),
             experiment = hypothesis.value("experiment", json{});
  if (duplicate.is_number()) line("SEE", "amdahl explain EXP-" + duplicate.dump());
  if (experiment.is_number()) line("TESTED", "amdahl explain EXP-" + experiment.dump());
  if (hypothesis.value("state", json{}) == "awaiting_approval")
    line("NEXT", "amdahl approve " + name);
  return text;
}

}  // namespace amdahl::cli
