#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "amdahl/stats/judge.hpp"

namespace amdahl::stats {

/// Builds the evidence of an experiment, pair by pair; indices count up by themselves.
class Trial {
 public:
  Trial() {
    auto& protocol = evidence.protocol;
    protocol.sigma0 = 0.04;
    protocol.theta_mei = -std::log(0.97);
    protocol.t = 1;
    using enum core::CheckKind;
    for (const auto kind : {seed_and_shard, clean_rebuild, scale, seed_and_shard, clean_rebuild}) {
      core::CheckPlan plan;
      plan.kind = kind;
      protocol.checks.push_back(plan);
    }
  }

  /// A complete pair with this d: 4 GPUs, 100 units, a baseline of an hour.
  PairEvidence& pair(double d, int check_no = 0) {
    PairEvidence& added = open(check_no);
    complete(added, d);
    return added;
  }

  Trial& pairs(int count, double d, int check_no = 0) {
    for (int i = 0; i < count; ++i) pair(d, check_no);
    return *this;
  }

  PairEvidence& open(int check_no = 0) {
    PairEvidence added;
    added.index = static_cast<std::int64_t>(evidence.pairs.size()) + 1;
    added.check_no = check_no;
    added.coin = static_cast<int>(added.index % 2);
    evidence.pairs.push_back(added);
    return evidence.pairs.back();
  }

  PairEvidence& voided(const std::string& reason, int check_no = 0) {
    PairEvidence& added = open(check_no);
    added.state = core::PairState::void_;
    added.void_reason = reason;
    return added;
  }

  PairEvidence& crashed(core::Arm arm, const std::string& exit = "exit 1", int check_no = 0) {
    PairEvidence& added = pair(0.0, check_no);
    LegEvidence& leg = arm == core::Arm::baseline ? added.baseline : added.variant;
    leg.failed = true;
    leg.exit = exit;
    leg.units.reset();
    return added;
  }

  static void complete(PairEvidence& pair, double d) {
    pair.state = core::PairState::complete;
    pair.ran_first = pair.coin == 1 ? core::Arm::variant : core::Arm::baseline;
    pair.nodes = {"n1"};
    pair.baseline.window_s = 3600.0;
    pair.baseline.gpus = 4.0;
    pair.baseline.units = 100.0;
    pair.variant = pair.baseline;
    pair.variant.window_s = 3600.0 * std::exp(-d);
  }

  /// Discovery that earned a nomination with four saturated pairs, frozen with these numbers.
  Trial& nominated(double claim = 0.1, int pairs_per_check = 2) {
    pairs(4, 0.3);
    evidence.nomination =
        Nomination{.claim = claim, .pairs_per_check = pairs_per_check, .last_index = 4};
    return *this;
  }

  /// A check with its two pairs.
  Trial& check(int check_no, double d) { return pairs(2, d, check_no); }

  Assessment assessed() const { return assess(evidence); }

  ExperimentEvidence evidence;
};

/// Needs as (check, count), for comparing.
inline std::vector<std::pair<int, int>> needs(const Assessment& assessment) {
  std::vector<std::pair<int, int>> wanted;
  for (const PairNeed& need : assessment.pairs) wanted.emplace_back(need.check_no, need.count);
  return wanted;
}

/// Whether nothing is to be done but to wait for pairs in flight.
inline bool waits(const Assessment& assessment) {
  return assessment.pairs.empty() && !assessment.nominate && !assessment.register_extension &&
         !assessment.hold && !assessment.verdict;
}

using Needs = std::vector<std::pair<int, int>>;

/// A pair of this d is worth 1.95: four of discovery and six of checks make 795.
inline constexpr double clear_gain = 0.3;

inline bool says(const Assessment& assessment, const std::string& part) {
  return assessment.verdict && assessment.verdict->reason.find(part) != std::string::npos;
}

inline core::VerdictOutcome outcome(const Trial& trial) {
  const auto assessment = trial.assessed();
  REQUIRE(assessment.verdict.has_value());
  return assessment.verdict->outcome;
}

}  // namespace amdahl::stats
