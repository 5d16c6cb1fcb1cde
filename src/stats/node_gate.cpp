#include "amdahl/stats/node_gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>
#include <string_view>
#include <vector>

#include "amdahl/stats/estimate.hpp"
#include "amdahl/stats/evidence.hpp"
#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

constexpr std::string_view gate_leave_one_out = "leave_one_out";
constexpr double evidence_min = 10.0;
constexpr double claim_share_min = 0.5;

// 1.95^3 < 10: three pairs cannot reach the evidence however good they are.
constexpr std::size_t pairs_left_min = 4;

struct LeftOut {
  std::string what;
  std::vector<double> rest;
};

LeftOut without_best_pair(std::span<const NodePair> pairs, std::string_view node_set) {
  std::vector<double> rest;
  std::size_t best = pairs.size();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].node_set == node_set && (best == pairs.size() || pairs[i].d > pairs[best].d)) {
      best = i;
    }
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i != best) rest.push_back(pairs[i].d);
  }
  return {fmt::format("without the best pair of {}", node_set), std::move(rest)};
}

LeftOut without(std::span<const NodePair> pairs, std::string_view node_set) {
  std::vector<double> rest;
  for (const NodePair& pair : pairs) {
    if (pair.node_set != node_set) rest.push_back(pair.d);
  }
  if (rest.size() < pairs_left_min) return without_best_pair(pairs, node_set);
  return {fmt::format("without {}", node_set), std::move(rest)};
}

double mean_of_finished(std::vector<double> d) {
  std::erase_if(d, [](double value) { return !std::isfinite(value); });
  return d.empty() ? -std::numeric_limits<double>::infinity() : mean(d).value();
}

}  // namespace

core::Result<Gate> leave_one_out(std::span<const NodePair> pairs, LeaveOneOutRule rule) {
  if (auto fault = fault_in_positive(rule.theta_c, "the claim")) return *fault;
  if (auto fault = fault_in_positive(rule.sigma0, "sigma0")) return *fault;
  std::set<std::string_view> node_sets;
  for (const NodePair& pair : pairs) {
    if (auto fault = fault_in_log_ratios({&pair.d, 1})) return *fault;
    node_sets.insert(pair.node_set);
  }
  if (pairs.empty())
    return Gate{gate_leave_one_out, GateOutcome::hold, "there is no complete pair"};

  double weakest_evidence = std::numeric_limits<double>::infinity();
  Gate gate{gate_leave_one_out, GateOutcome::pass, {}};
  for (const std::string_view node_set : node_sets) {
    const LeftOut left = without(pairs, node_set);
    const double evidence = e_value(left.rest, {.sigma0 = rule.sigma0}).value();
    const double centre = mean_of_finished(left.rest);
    const bool holds = evidence >= evidence_min && centre >= claim_share_min * rule.theta_c;
    // The reason shows the first node set that breaks the win, else the one that it needs most.
    if (holds && evidence >= weakest_evidence) continue;
    weakest_evidence = evidence;
    gate.reason = fmt::format("{}: E = {:.4g} (10 needed), mean {:.4g} (half the claim is {:.4g})",
                              left.what, evidence, centre, claim_share_min * rule.theta_c);
    if (!holds) {
      gate.outcome = GateOutcome::veto;
      break;
    }
  }
  return gate;
}

}  // namespace amdahl::stats
