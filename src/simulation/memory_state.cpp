#include "amdahl/simulation/memory_state.hpp"

#include <algorithm>

namespace amdahl::simulation {
namespace {

template <class Row, class Id>
const Row* row_of(const std::deque<Row>& rows, Id id) {
  const auto it = std::lower_bound(rows.begin(), rows.end(), id,
                                   [](const Row& row, Id wanted) { return row.id < wanted; });
  return it == rows.end() || it->id != id ? nullptr : &*it;
}

}  // namespace

MemoryState::MemoryState() {
  head.head_hash.assign(64, '0');
  head.released = true;
}

const MemoryJob* MemoryState::job(core::JobId id) const { return row_of(jobs, id); }
const MemoryHypothesis* MemoryState::hypothesis(core::HypothesisId id) const {
  return row_of(hypotheses, id);
}
const MemoryExperiment* MemoryState::experiment(core::ExperimentId id) const {
  return row_of(experiments, id);
}
const MemoryPair* MemoryState::pair(core::PairId id) const { return row_of(pairs, id); }
const MemoryRun* MemoryState::run(core::RunId id) const { return row_of(runs, id); }

}  // namespace amdahl::simulation
