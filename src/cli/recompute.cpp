#include "recompute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "amdahl/core/run.hpp"
#include "amdahl/loop/evidence.hpp"
#include "numbers.hpp"

namespace amdahl::cli {

namespace {

using core::invalid_input;
using core::Result;
using nlohmann::json;

constexpr double tolerance = 1e-9;  // what text and back may cost a double
constexpr std::string_view hold_over = "on hold past its deadline: ";

Result<ledger::PairRow> pair_from(const json& row) {
  ledger::PairRow pair;
  pair.index = row.value("index", std::int64_t{0});
  pair.check_no = row.value("check_no", 0);
  pair.coin = row.value("coin", 0);
  const auto state = core::parse<core::PairState>(text_or(row.value("state", json{}), ""));
  if (!state) return invalid_input(fmt::format("pair {}: unknown state", pair.index));
  pair.state = *state;
  pair.void_reason = text_or(row.value("void_reason", json{}), "");
  pair.ran_first = core::parse<core::Arm>(text_or(row.value("ran_first", json{}), ""));
  for (const auto& node : row.value("nodes", json::array()))
    pair.nodes.push_back(text_or(node, ""));
  // Of a void pair nothing counts, and its last run may have left half a measurement.
  if (pair.state != core::PairState::complete) return pair;
  for (const auto& leg : row.value("legs", json::array())) {
    auto read = core::leg_result_from_json(leg);
    if (!read) return invalid_input(fmt::format("pair {}: {}", pair.index, read.error().message));
    pair.legs.push_back(std::move(*read));
  }
  return pair;
}

Result<ledger::ExperimentRow> row_from(const json& experiment) {
  ledger::ExperimentRow row;
  const auto protocol = core::protocol_from_json(experiment.value("protocol", json::object()));
  if (!protocol) return protocol.error();
  row.protocol = *protocol;
  row.kind = protocol->kind;
  row.t = static_cast<std::int64_t>(number_of(experiment.value("t", json{})).value_or(0));
  const auto nomination = experiment.value("nomination", json{});
  if (nomination.is_object()) {
    row.nomination = ledger::NominationRow{nomination.value("claim", 0.0),
                                           nomination.value("pairs_per_check", 0),
                                           nomination.value("last_index", std::int64_t{0})};
  }
  row.extension_registered = experiment.value("extension_registered", false);
  for (const auto& each : experiment.value("pairs", json::array())) {
    auto pair = pair_from(each);
    if (!pair) return pair.error();
    row.pairs.push_back(std::move(*pair));
  }
  std::sort(row.pairs.begin(), row.pairs.end(),
            [](const ledger::PairRow& a, const ledger::PairRow& b) { return a.index < b.index; });
  return row;
}

class Comparison {
 public:
  std::vector<std::string> differences;

  void numbers(const std::string& what, const json& recorded, const json& derived) {
    const auto a = number_of(recorded), b = number_of(derived);
    if (!a && !b) return;
    if (a && b && std::abs(*a - *b) <= tolerance * std::max({1.0, std::abs(*a), std::abs(*b)}))
      return;
    say(what, recorded, derived);
  }
  void words(const std::string& what, const json& recorded, const json& derived) {
    if (recorded != derived) say(what, recorded, derived);
  }
  void say(const std::string& what, const json& recorded, const json& derived) {
    differences.push_back(fmt::format("{}: recorded {}, derived {}", what,
                                      text_or(recorded, "unknown"), text_or(derived, "unknown")));
  }
};

// Lists of named things: every one of either side must be on the other, and say the same.
void compare_named(Comparison& comparison, const json& recorded, const json& derived,
                   const std::string& key, const std::string& value, const std::string& label) {
  const auto find = [&](const json& list, const json& name) {
    for (const auto& each : list) {
      if (each.value(key, json{}) == name) return each.value(value, json{});
    }
    return json{"absent"};
  };
  for (const auto& each : recorded) {
    const auto name = each.value(key, json{});
    comparison.words(label + " " + text_or(name, ""), each.value(value, json{}),
                     find(derived, name));
  }
  for (const auto& each : derived) {
    const auto name = each.value(key, json{});
    if (find(recorded, name) == "absent")
      comparison.say(label + " " + text_or(name, ""), "absent", each.value(value, json{}));
  }
}

void compare_outcome(Comparison& comparison, const json& verdict,
                     const stats::Assessment& assessment) {
  const auto reason = text_or(verdict.value("reason", json{}), "");
  if (reason.starts_with(hold_over)) {
    const auto held = assessment.hold.value_or("no hold");
    comparison.words("reason", reason, std::string{hold_over} + held);
    return;
  }
  if (!assessment.verdict) {
    comparison.say("outcome", verdict.value("outcome", json{}), "no verdict");
    return;
  }
  comparison.words("outcome", verdict.value("outcome", json{}),
                   std::string{core::name(assessment.verdict->outcome)});
  comparison.words("reason", reason, assessment.verdict->reason);
}

}  // namespace

Result<Recomputed> recompute(const json& experiment) {
  const auto verdict = experiment.value("verdict", json{});
  if (!verdict.is_object()) {
    return core::Error{core::ErrorCode::conflict, "there is no verdict to recompute yet",
                       "amdahl wait"};
  }
  const auto row = row_from(experiment);
  if (!row) return row.error();
  Recomputed recomputed;
  recomputed.assessment =
      stats::assess(loop::evidence_of(*row, verdict.value("wins_before", std::int64_t{0})));
  const auto& standing = recomputed.assessment.standing;
  const auto derived = loop::standing_json(standing);
  const auto recorded = verdict.value("evidence", json::object());
  Comparison comparison;
  compare_outcome(comparison, verdict, recomputed.assessment);
  comparison.numbers("E", verdict.value("e_value", json{}), derived["e_value"]);
  comparison.numbers("E needed", verdict.value("e_needed", json{}), derived["e_needed"]);
  comparison.numbers("effect", verdict.value("effect", json{}), derived["mean"]);
  comparison.numbers("lower bound", verdict.value("lower", json{}), derived["interval"]["lower"]);
  comparison.numbers("upper bound", verdict.value("upper", json{}), derived["interval"]["upper"]);
  comparison.words("upholds", verdict.value("upholds", json{}), standing.upholds);
  comparison.words("refutes", verdict.value("refutes", json{}), standing.refutes);
  comparison.numbers("pairs counted", recorded.value("pairs_counted", json{}),
                     derived["pairs_counted"]);
  compare_named(comparison, recorded.value("checks", json::array()), derived["checks"], "check_no",
                "vote", "vote of check");
  compare_named(comparison, recorded.value("gates", json::array()), derived["gates"], "gate",
                "outcome", "gate");
  recomputed.differences = std::move(comparison.differences);
  return recomputed;
}

json to_json(const Recomputed& recomputed) {
  json derived = loop::standing_json(recomputed.assessment.standing);
  const auto& verdict = recomputed.assessment.verdict;
  derived["outcome"] = verdict ? json(core::name(verdict->outcome)) : json(nullptr);
  derived["reason"] = verdict ? json(verdict->reason) : json(nullptr);
  return {{"agrees", recomputed.agrees()},
          {"differences", recomputed.differences},
          {"derived", derived}};
}

}  // namespace amdahl::cli
