#include "judge_standing.hpp"

#include <algorithm>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/stats/claim.hpp"
#include "amdahl/stats/estimate.hpp"
#include "amdahl/stats/evidence.hpp"
#include "amdahl/stats/fdr.hpp"
#include "amdahl/stats/futility.hpp"
#include "amdahl/stats/interval.hpp"
#include "amdahl/stats/votes.hpp"
#include "judge_pairs.hpp"

namespace amdahl::stats {

namespace {

constexpr double interval_alpha = 0.05;

using Pairs = std::vector<const PairEvidence*>;

Pairs of_check(Pairs pairs, int check_no) {
  std::erase_if(pairs, [check_no](const PairEvidence* pair) { return pair->check_no != check_no; });
  return pairs;
}

std::optional<double> mean_of(const std::vector<double>& d) {
  if (d.empty()) return std::nullopt;
  return mean(d).value();
}

double evidence_needed(const ExperimentEvidence& evidence) {
  const core::Protocol& protocol = evidence.protocol;
  if (protocol.t < 1) {
    core::invariant(protocol.kind != core::ExperimentKind::trial,
                    "a trial has a place in its FDR stream");
    return protocol.decide_at;
  }
  const double alpha =
      alpha_at({.t = protocol.t, .wins = evidence.wins_before}, {.alpha = protocol.fdr_alpha});
  return std::max(protocol.decide_at, 1.0 / alpha);
}

std::optional<double> chance_of_effect(const core::Protocol& protocol, const Pairs& prefix) {
  const auto outlook =
      futility(log_ratios(of_check(prefix, 0)), {.sigma0 = protocol.sigma0,
                                                 .theta_mei = protocol.theta_mei,
                                                 .chance_min = protocol.futility_below})
          .value();
  if (!outlook) return std::nullopt;
  return outlook->chance_of_mei;
}

CheckStanding check_standing(const ExperimentEvidence& evidence, int check_no, core::CheckKind kind,
                             int planned) {
  CheckStanding check{
      .check_no = check_no, .kind = kind, .planned = planned, .mean = {}, .vote = {}};
  const PairCount count = count_pairs(evidence, check_no);
  check.complete = count.complete;
  check.open = count.open;
  check.mean = mean_of(log_ratios(of_check(complete_pairs(evidence.pairs), check_no)));
  return check;
}

// A check whose baseline never finished has tried nothing: inconclusive.
core::Vote vote_of(const CheckStanding& check, double claim) {
  return check.mean ? vote(*check.mean, claim).value() : core::Vote::inconclusive;
}

std::vector<CheckStanding> checks_of(const ExperimentEvidence& evidence) {
  std::vector<CheckStanding> checks;
  const int planned = evidence.nomination ? evidence.nomination->pairs_per_check : 0;
  int check_no = 0;
  for (const core::CheckPlan& plan : evidence.protocol.checks) {
    CheckStanding check = check_standing(evidence, ++check_no, plan.kind, planned);
    if (evidence.nomination && check.complete >= planned && check.open == 0) {
      check.vote = vote_of(check, evidence.nomination->claim);
    }
    checks.push_back(check);
  }
  if (evidence.extension_registered) {
    checks.push_back(check_standing(evidence, extension_no(evidence), core::CheckKind::extension,
                                    evidence.protocol.extension_pairs));
  }
  return checks;
}

std::optional<double> effect_of(const Pairs& complete) {
  Pairs fresh = complete;
  std::erase_if(fresh, [](const PairEvidence* pair) { return pair->check_no == 0; });
  const auto of_fresh = mean_of(log_ratios(fresh));
  return of_fresh ? of_fresh : mean_of(log_ratios(of_check(complete, 0)));
}

}  // namespace

int extension_no(const ExperimentEvidence& evidence) {
  return static_cast<int>(evidence.protocol.checks.size()) + 1;
}

PairCount count_pairs(const ExperimentEvidence& evidence, int check_no) {
  PairCount count;
  for (const PairEvidence& pair : evidence.pairs) {
    if (pair.check_no != check_no) continue;
    if (pair.state == core::PairState::complete) ++count.complete;
    if (pair.state == core::PairState::open) ++count.open;
  }
  return count;
}

VoidCount count_voids(const ExperimentEvidence& evidence) {
  constexpr std::string_view stopped_by_person = "operator";
  VoidCount count;
  for (const PairEvidence& pair : evidence.pairs) {
    const bool voided = pair.state == core::PairState::void_;
    if (voided && pair.void_reason.starts_with(stopped_by_person)) continue;
    ++count.registered;
    if (voided) ++count.voided;
  }
  return count;
}

std::optional<Nomination> earned_nomination(const ExperimentEvidence& evidence) {
  const core::Protocol& protocol = evidence.protocol;
  auto running = Evidence::against({.sigma0 = protocol.sigma0}).value();
  std::vector<double> d;
  for (const PairEvidence* pair : of_check(counted_prefix(evidence.pairs), 0)) {
    const PairScore scored = score(*pair);
    if (!scored.counts) continue;
    running.add(scored.d).value();
    d.push_back(scored.d);
    if (static_cast<int>(d.size()) < protocol.pairs_min) continue;
    if (running.e_value() < protocol.nominate_at) continue;
    const std::vector<double> finished = without_crashes(d);
    const Claim claim = claim_of({.mean_d = mean(finished).value(),
                                  .pairs = static_cast<int>(finished.size()),
                                  .sigma0 = protocol.sigma0,
                                  .theta_mei = protocol.theta_mei})
                            .value();
    return Nomination{
        .claim = claim.theta_c, .pairs_per_check = claim.check_pairs, .last_index = pair->index};
  }
  return std::nullopt;
}

Standing standing_of(const ExperimentEvidence& evidence) {
  const core::Protocol& protocol = evidence.protocol;
  const Pairs complete = complete_pairs(evidence.pairs);
  const Pairs prefix = counted_prefix(evidence.pairs);
  Standing standing;
  standing.pairs_complete = static_cast<int>(complete.size());
  for (const PairEvidence& pair : evidence.pairs) {
    if (pair.state == core::PairState::void_) ++standing.pairs_void;
    if (pair.state == core::PairState::open) ++standing.pairs_open;
  }
  standing.pairs_counted = static_cast<int>(prefix.size());

  auto running = Evidence::against({.sigma0 = protocol.sigma0}).value();
  for (const double d : log_ratios(prefix)) running.add(d).value();
  standing.e_value = running.e_value();
  standing.log_wealth = running.log_wealth();
  standing.e_needed = evidence_needed(evidence);
  standing.futility = chance_of_effect(protocol, prefix);
  standing.mean = effect_of(complete);
  standing.interval = confidence_sequence(log_ratios(complete),
                                          {.alpha = interval_alpha, .sigma0 = protocol.sigma0})
                          .value();
  standing.checks = checks_of(evidence);
  for (const CheckStanding& check : standing.checks) {
    if (check.vote == core::Vote::uphold) ++standing.upholds;
    if (check.vote == core::Vote::refute) ++standing.refutes;
  }
  return standing;
}

}  // namespace amdahl::stats
