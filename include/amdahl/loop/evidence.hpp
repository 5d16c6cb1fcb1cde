#pragma once

#include <map>
#include <string>
#include <vector>

#include "amdahl/ledger/snapshot.hpp"
#include "amdahl/stats/judge.hpp"

namespace amdahl::loop {

/// What the judge reads, from the ledger's rows; `wins` is R of the FDR stream.
stats::ExperimentEvidence evidence_of(const ledger::ExperimentRow& experiment, std::int64_t wins);

/// The words for how a leg ended; empty when it ended well and its numbers are usable.
std::string exit_of(const core::LegResult& leg);

/// The judge's standing as it is frozen with a verdict and shown by `explain`.
nlohmann::json standing_json(const stats::Standing& standing);

/// Mean share of each phase over the legs of one arm (both arms for nullopt).
std::map<std::string, double> phase_shares(const std::vector<ledger::PairRow>& pairs,
                                           std::optional<core::Arm> arm);

}  // namespace amdahl::loop
