#include "amdahl/stats/votes.hpp"

#include <algorithm>
#include <cmath>

#include "amdahl/core/invariant.hpp"
#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

constexpr double uphold_share = 0.5;
constexpr double refute_share = 0.25;

bool is_probability(double p) { return p >= 0.0 && p <= 1.0; }

double choose(int n, int k) {
  double ways = 1.0;
  for (int i = 1; i <= k; ++i) ways = ways * (n - k + i) / i;
  return ways;
}

// Pólya's urn: each uphold makes the next one likelier by ρ. ρ = 0 is the binomial; ρ < 1.
double chance_of_exactly(int upholds, const Jury& jury) {
  const double p = jury.uphold_probability;
  const double rho = jury.correlation;
  const auto rising = [rho](double share, int draws) {
    double product = 1.0;
    for (int i = 0; i < draws; ++i) product *= share * (1.0 - rho) + i * rho;
    return product;
  };
  return choose(jury.voters, upholds) * rising(p, upholds) *
         rising(1.0 - p, jury.voters - upholds) / rising(1.0, jury.voters);
}

}  // namespace

core::Result<core::Vote> vote(double mean_d, double theta_c) {
  if (auto fault = fault_in_log_ratios({&mean_d, 1})) return *fault;
  if (auto fault = fault_in_positive(theta_c, "the claim")) return *fault;
  if (mean_d >= uphold_share * theta_c) return core::Vote::uphold;
  if (mean_d < refute_share * theta_c) return core::Vote::refute;
  return core::Vote::inconclusive;
}

Majority tally(std::span<const core::Vote> cast, int registered) {
  core::invariant(registered >= 1, "a tally needs registered checks");
  const int votes = static_cast<int>(cast.size());
  core::invariant(votes <= registered, "no more votes than registered checks");
  const int upholds = static_cast<int>(std::count(cast.begin(), cast.end(), core::Vote::uphold));
  const int needed = upholds_needed(registered);
  if (upholds >= needed) return Majority::upheld;
  if (upholds + (registered - votes) < needed) return Majority::impossible;
  return Majority::open;
}

core::Result<double> majority_survival(const Jury& jury) {
  if (!is_probability(jury.uphold_probability) || !is_probability(jury.correlation)) {
    return core::invalid_input("an uphold probability and a correlation lie between 0 and 1");
  }
  if (jury.voters < 1 || jury.upholds_needed < 1 || jury.upholds_needed > jury.voters) {
    return core::invalid_input("a jury needs voters, and no more upholds than voters");
  }
  if (jury.correlation == 1.0) return jury.uphold_probability;
  double survival = 0.0;
  for (int upholds = jury.upholds_needed; upholds <= jury.voters; ++upholds) {
    survival += chance_of_exactly(upholds, jury);
  }
  return std::min(survival, 1.0);
}

}  // namespace amdahl::stats
