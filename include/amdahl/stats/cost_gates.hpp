#pragma once

#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/stats/gate.hpp"

namespace amdahl::stats {

/// Everything an arm cost and yielded over all its runs, failed ones included.
struct ArmCost {
  double gpu_hours;
  double units;
};

/// Another resource that a change may not eat up instead, with the growth the job allows.
struct ResourceUse {
  std::string name;                ///< "memory"
  std::optional<double> baseline;  ///< in any unit, the same for both
  std::optional<double> variant;
  double growth_max;  ///< 0.25 allows 25 % more
};

struct TotalCost {
  ArmCost baseline;
  ArmCost variant;
  std::vector<ResourceUse> resources;
};

/// Passes when ΣGPU-hours / Σunits is lower for the variant and every resource within its limit.
core::Result<Gate> total_cost(const TotalCost& cost);

/// Legs that ended by their own fault, of all legs of an arm.
struct FailureCount {
  int failed;
  int runs;
};

/// No experiment has more legs; keeps the sums far inside an int.
inline constexpr int failure_runs_max = 1'000'000;

struct FailuresByArm {
  FailureCount baseline;
  FailureCount variant;
};

/// Fisher's exact test: P(at least so many of all failures fall on the variant by chance).
core::Result<double> fisher_more_failures(const FailuresByArm& failures);

/// Vetoes at p < 0.05.
core::Result<Gate> failures(const FailuresByArm& failures);

}  // namespace amdahl::stats
