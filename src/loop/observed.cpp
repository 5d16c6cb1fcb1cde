#include "observed.hpp"

#include <tuple>

namespace amdahl::loop {

using ledger::RunRow;
using scheduler_adapters::Observation;

bool is_recorded(const RunRow& run, const Observation& seen) {
  const auto at_us = seen.ref.submitted_at_us;
  return seen.ref.native_id == run.native_id &&
         (at_us == run.native_at_us || at_us == 0 || run.native_at_us == 0);
}

namespace {

// Whoever looks chooses the same.
bool is_better(const RunRow& run, const Observation& a, const Observation& b) {
  const auto rank = [&](const Observation& seen) {
    return std::tuple{!is_recorded(run, seen), !seen.claimed, seen.ref.submitted_at_us,
                      seen.ref.native_id};
  };
  return rank(a) < rank(b);
}

}  // namespace

const Observation* observed(const ClusterView& cluster, const RunRow& run) {
  const Observation* best = nullptr;
  const auto consider = [&](const Observation& seen) {
    if (seen.key == run.key && (best == nullptr || is_better(run, seen, *best))) best = &seen;
  };
  for (const auto& seen : cluster.listing.runs) consider(seen);
  if (const auto it = cluster.found.find(run.key); it != cluster.found.end()) {
    for (const auto& seen : it->second.runs) consider(seen);
  }
  if (best != nullptr && !run.native_id.empty() && !is_recorded(run, *best)) return nullptr;
  return best;
}

}  // namespace amdahl::loop
