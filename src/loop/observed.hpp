#pragma once

#include "amdahl/ledger/snapshot.hpp"
#include "amdahl/loop/view.hpp"

namespace amdahl::loop {

/// Whether this is the submission that the ledger recorded. Schedulers use their ids again, so an
/// id alone is no identity; a time that is unknown tells nothing.
bool is_recorded(const ledger::RunRow& run, const scheduler_adapters::Observation& seen);

/// What the cluster shows of a run, in its listing or where it was looked for; nullptr = nothing.
/// Several may carry its key after a double submit: the recorded one is the run and is never
/// exchanged for a namesake; before one is recorded the holder of the claim is, else the oldest.
const scheduler_adapters::Observation* observed(const ClusterView& cluster,
                                                const ledger::RunRow& run);

/// Whether only what a webhook told can say how a recorded run ended: its scheduler's live list was
/// read and has none of it, and where else was looked it is lost, or nothing.
bool is_forgotten(const ClusterView& cluster, const ledger::RunRow& run);

/// Ends a forgotten run as it was told, where that is of the very submission that is recorded.
void end_as_told(ClusterView& cluster, const ledger::RunRow& run,
                 scheduler_adapters::Observation told);

}  // namespace amdahl::loop
