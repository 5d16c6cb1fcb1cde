#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/stats/judge.hpp"

namespace amdahl::cli {

/// A verdict derived again from raw measurements.
struct Recomputed {
  stats::Assessment assessment;
  std::vector<std::string> differences;  ///< what is not as recorded; empty = agrees

  bool agrees() const { return differences.empty(); }
};

/// From an `experiment` read model alone. Errors: no verdict yet, or the document cannot be read.
core::Result<Recomputed> recompute(const nlohmann::json& experiment);

nlohmann::json to_json(const Recomputed& recomputed);

}  // namespace amdahl::cli
