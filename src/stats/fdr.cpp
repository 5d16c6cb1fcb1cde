#include "amdahl/stats/fdr.hpp"

#include <algorithm>
#include <cmath>

#include "amdahl/core/invariant.hpp"

namespace amdahl::stats {

namespace {

// Makes Σ g_t = 1; from onlineFDR's LORD.
constexpr double lord_scale = 0.07720838;

}  // namespace

double lord_weight(std::int64_t t) {
  core::invariant(t >= 1, "places in an FDR stream count from 1");
  const double place = static_cast<double>(t);
  return lord_scale * std::log(std::max(place, 2.0)) /
         (place * std::exp(std::sqrt(std::log(place))));
}

double fdr_weight(std::int64_t t, const FdrRule& rule) {
  core::invariant(rule.horizon >= 1, "an FDR stream has a horizon");
  const double even = t <= rule.horizon ? 1.0 / static_cast<double>(rule.horizon) : 0.0;
  return 0.5 * lord_weight(t) + 0.5 * even;
}

double alpha_at(StreamPlace place, const FdrRule& rule) {
  core::invariant(place.wins >= 0, "a stream cannot have fewer than no wins");
  const double share = fdr_weight(place.t, rule) * static_cast<double>(place.wins + 1);
  return std::min(rule.cap, rule.alpha * share);
}

double win_threshold(StreamPlace place, const FdrRule& rule) {
  return std::max(win_evidence_min, 1.0 / alpha_at(place, rule));
}

}  // namespace amdahl::stats
