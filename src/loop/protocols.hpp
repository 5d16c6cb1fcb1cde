#pragma once

#include "amdahl/core/protocol.hpp"
#include "amdahl/ledger/snapshot.hpp"
#include "amdahl/loop/settings.hpp"
#include "amdahl/loop/view.hpp"

namespace amdahl::loop {

/// Why the cluster would ignore one of the changes: the variant would be the baseline, and its
/// verdict a lie.
std::optional<core::Error> ignored_change(const ClusterView& cluster,
                                          const std::vector<core::Change>& changes);

/// Whether one of the changes waits for a person (`experiment.approval`).
bool needs_approval(const std::vector<core::Change>& changes, const Settings& settings);

/// The N checks a job and its cluster can offer (design.md §8, Checks on a small cluster): at least
/// three distinct kinds, none with a majority of its own; a later replication (R1) stands last
/// where the settings give it a delay. The error says what to add.
core::Result<std::vector<core::CheckPlan>> choose_checks(const core::JobSpec& job,
                                                         const scheduler_adapters::Caps& caps,
                                                         const Settings& settings);

/// What is frozen when an experiment is registered; no changes = an A/A canary.
core::Result<core::Protocol> make_protocol(const ledger::JobRow& job, const ClusterView& cluster,
                                           const CodeSnapshot& code,
                                           const std::vector<core::Change>& changes,
                                           const Settings& settings);

}  // namespace amdahl::loop
