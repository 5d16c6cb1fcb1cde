#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace amdahl::cli {

/// Means over the usable legs of both arms; unknown values leave no trace.
struct ArmMeans {
  int pairs = 0;
  std::optional<double> cost;  ///< GPU-seconds per unit
  std::optional<double> quality;
  std::optional<double> memory_bytes;
  std::optional<double> seconds;
};

struct BothMeans {
  ArmMeans baseline;
  ArmMeans variant;
};

/// Over complete pairs of an `experiment` read model.
BothMeans means_of(const nlohmann::json& experiment);

}  // namespace amdahl::cli
