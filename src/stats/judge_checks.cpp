#include "judge_checks.hpp"

#include <fmt/format.h>

#include "amdahl/stats/estimate.hpp"
#include "amdahl/stats/votes.hpp"
#include "judge_gates.hpp"
#include "judge_pairs.hpp"
#include "judge_standing.hpp"
#include "judge_verdicts.hpp"

namespace amdahl::stats {

namespace {

// Opens the pairs that the first `checks_max` checks without a vote still lack; the extension never
// votes and stands last.
void open_checks(const Standing& standing, int checks_max, Assessment& result) {
  for (const CheckStanding& check : standing.checks) {
    if (check.vote) continue;
    if (checks_max-- <= 0) return;
    const int missing = check.planned - check.complete - check.open;
    if (missing > 0) result.pairs.push_back({.check_no = check.check_no, .count = missing});
  }
}

std::string votes_text(const Standing& standing, const ExperimentEvidence& evidence) {
  return fmt::format("{} of {} checks uphold a claim of {}", standing.upholds,
                     evidence.protocol.checks.size(),
                     as_percent(saving(evidence.nomination->claim)));
}

// A crash has no finite saving: it is counted beside the mean of the pairs that finished.
std::string saving_text(const ExperimentEvidence& evidence) {
  std::vector<const PairEvidence*> fresh = complete_pairs(evidence.pairs);
  std::erase_if(fresh, [](const PairEvidence* pair) { return pair->check_no == 0; });
  const std::vector<double> d = log_ratios(fresh);
  const std::vector<double> finished = without_crashes(d);
  std::string text = finished.empty() ? "no fresh pair finished"
                                      : "mean saving " + as_percent(saving(mean(finished).value()));
  if (finished.size() < d.size()) {
    text += fmt::format(" where the variant ran, {} crashes", d.size() - finished.size());
  }
  return text;
}

// The claim has its majority and its evidence: only a gate can stand in the way.
void decide(const ExperimentEvidence& evidence, Assessment& result, core::VerdictOutcome outcome) {
  result.standing.gates = gates_at_decision(evidence);
  result.verdict = vetoed(result.standing.gates);
  if (result.verdict) return;
  result.hold = held(result.standing.gates);
  if (result.hold) return;
  result.verdict =
      verdict(outcome, fmt::format("{}; E = {:.4g}, {:.4g} needed; {}",
                                   votes_text(result.standing, evidence), result.standing.e_value,
                                   result.standing.e_needed, saving_text(evidence)));
}

// The majority stands but E is short: the remaining checks, then the one extension.
void gather_evidence(const ExperimentEvidence& evidence, Assessment& result) {
  const core::Protocol& protocol = evidence.protocol;
  const Standing& standing = result.standing;
  // E may only be waiting for a pair in flight.
  if (standing.pairs_open > 0) return;
  open_checks(standing, static_cast<int>(protocol.checks.size()), result);
  if (!result.pairs.empty()) return;
  if (!evidence.extension_registered) {
    result.register_extension = true;
    return;
  }
  if (standing.e_value >= protocol.decide_at) {
    decide(evidence, result, core::VerdictOutcome::provisional);
  } else {
    result.verdict =
        verdict(core::VerdictOutcome::inconclusive,
                fmt::format("{}, but E = {:.4g} after the extension, {:.4g} needed",
                            votes_text(standing, evidence), standing.e_value, standing.e_needed));
  }
}

}  // namespace

void assess_checks(const ExperimentEvidence& evidence, Assessment& result) {
  const Standing& standing = result.standing;
  const int registered = static_cast<int>(evidence.protocol.checks.size());
  std::vector<core::Vote> cast;
  for (const CheckStanding& check : standing.checks) {
    if (check.vote) cast.push_back(*check.vote);
  }
  switch (tally(cast, registered)) {
    case Majority::impossible:
      result.verdict = verdict(core::VerdictOutcome::refuted,
                               fmt::format("only {}, {} refute it: no majority is possible",
                                           votes_text(standing, evidence), standing.refutes));
      return;
    case Majority::open:
      // No more checks at a time than the majority still needs: the others may never have to run.
      open_checks(standing, upholds_needed(registered) - standing.upholds, result);
      return;
    case Majority::upheld:
      if (standing.e_value >= standing.e_needed) {
        decide(evidence, result, core::VerdictOutcome::win);
      } else {
        gather_evidence(evidence, result);
      }
  }
}

}  // namespace amdahl::stats
