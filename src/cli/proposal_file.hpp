#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/change.hpp"

namespace amdahl::cli {

/// An idea of a person: what to change in which job, and why.
struct Proposal {
  std::string job;
  std::string phase;
  std::string rationale;
  std::vector<core::Change> changes;
};

/// `job`, `phase`, `rationale` and tables `[arg]`, `[env]`, `[resource]`, keys `image`, `patch`.
/// Patches are named by file: their `value` is the path as written.
core::Result<Proposal> parse_proposal(std::string_view text, std::string_view place);

}  // namespace amdahl::cli
