#include "judge_verdicts.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "judge_gates.hpp"

namespace amdahl::stats {

namespace {

std::string_view remedy(std::string_view gate) {
  if (gate == "quality") {
    return "the metric from every run, or a wider margin in a new experiment, would settle it";
  }
  if (gate == "same_work")
    return "units, and digests where required, from both arms would settle it";
  if (gate == "total_cost") return "a measurement of it in both arms would settle it";
  if (gate == "assignment") return "the order in the runs' results would settle it";
  return "numbers that make sense would settle it";
}

}  // namespace

VerdictDraft verdict(core::VerdictOutcome outcome, std::string reason) {
  return {.outcome = outcome, .reason = std::move(reason)};
}

std::string as_percent(double share) { return fmt::format("{:.2f} %", 100.0 * share); }

std::optional<VerdictDraft> vetoed(const std::vector<Gate>& gates) {
  const Gate* veto = first_with(gates, GateOutcome::veto);
  if (veto == nullptr) return std::nullopt;
  const auto outcome =
      veto->name == "assignment" ? core::VerdictOutcome::void_ : core::VerdictOutcome::refuted;
  return verdict(outcome, fmt::format("veto of {}: {}", veto->name, veto->reason));
}

std::optional<std::string> held(const std::vector<Gate>& gates) {
  const Gate* hold = first_with(gates, GateOutcome::hold);
  if (hold == nullptr) return std::nullopt;
  return fmt::format("{}: {}; {}", hold->name, hold->reason, remedy(hold->name));
}

}  // namespace amdahl::stats
