#pragma once

#include <span>
#include <string>

#include "amdahl/core/result.hpp"
#include "amdahl/stats/gate.hpp"

namespace amdahl::stats {

/// A complete pair and the nodes that both its legs ran on.
struct NodePair {
  std::string node_set;
  double d;
};

struct LeaveOneOutRule {
  double sigma0;
  double theta_c;  ///< the claim
};

/// Passes when E ≥ 10 and d̄ ≥ θ_c/2 hold without any one node set. With a single node set, or where
/// too few pairs to reach E = 10 would remain, the best pair (of that set) is left out instead.
/// d̄ is over pairs that did not crash: crashes weigh on E here, and on G3 and G4.
core::Result<Gate> leave_one_out(std::span<const NodePair> pairs, LeaveOneOutRule rule);

}  // namespace amdahl::stats
