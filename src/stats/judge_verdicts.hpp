#pragma once

#include <optional>
#include <string>
#include <vector>

#include "amdahl/stats/judge.hpp"

namespace amdahl::stats {

VerdictDraft verdict(core::VerdictOutcome outcome, std::string reason);

/// `4.58 %`, for reasons.
std::string as_percent(double share);

/// The verdict of the first veto. A breach of the protocol spoils the evidence (`void`); any other
/// veto speaks against the change (`refuted`).
std::optional<VerdictDraft> vetoed(const std::vector<Gate>& gates);

/// The first gate that misses an input, why, and what would settle it.
std::optional<std::string> held(const std::vector<Gate>& gates);

}  // namespace amdahl::stats
