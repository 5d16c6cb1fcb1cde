#include "observed.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

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

bool is_forgotten(const ClusterView& cluster, const RunRow& run) {
  const auto it = cluster.found.find(run.key);
  if (it == cluster.found.end() || !it->second.forgotten) return false;
  const auto& runs = it->second.runs;
  return !run.native_id.empty() && run.native_at_us != 0 &&
         std::all_of(runs.begin(), runs.end(),
                     [](const auto& seen) { return seen.outcome == core::RunOutcome::lost; });
}

void end_as_told(ClusterView& cluster, const RunRow& run, Observation told) {
  const bool same = told.key == run.key && told.ref.native_id == run.native_id &&
                    told.ref.submitted_at_us == run.native_at_us;
  if (!same || told.state != core::RunState::ended || !is_forgotten(cluster, run)) return;
  auto& found = cluster.found.at(run.key);
  found.found = scheduler_adapters::Found::found;
  found.runs = {std::move(told)};
}

}  // namespace amdahl::loop
