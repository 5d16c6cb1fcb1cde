#include "amdahl/stats/quality_gate.hpp"

#include <fmt/format.h>

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <optional>

#include "amdahl/stats/estimate.hpp"
#include "input_faults.hpp"

namespace amdahl::stats {

namespace {

constexpr double one_sided_level = 0.95;
constexpr std::string_view gate_quality = "quality";

std::optional<core::Error> fault_in(const QualityLoss& loss) {
  if (auto fault = fault_in_finite(loss.delta, "quality difference")) return fault;
  // At a margin of zero a variant of exactly equal quality would count as proven harm.
  return fault_in_positive(loss.margin, "the quality margin");
}

bool harm_is_proven(const QualityLoss& loss, const MeanBounds& bounds) {
  return bounds.lower >= loss.margin;
}

std::string numbers(const QualityLoss& loss, const MeanBounds& bounds) {
  return fmt::format("loss {:.6g}, 95 % bounds {:.6g} and {:.6g}, margin {:.6g}, {} pairs",
                     bounds.mean, bounds.lower, bounds.upper, loss.margin, loss.delta.size());
}

Gate too_few(const QualityLoss& loss, GateOutcome outcome, std::size_t needed) {
  return {gate_quality, outcome,
          fmt::format("{} pairs with quality, {} needed", loss.delta.size(), needed)};
}

}  // namespace

core::Result<MeanBounds> mean_bounds(std::span<const double> x) {
  const auto deviation = standard_deviation(x);
  if (deviation.has_error()) return deviation.error();
  const auto n = static_cast<double>(x.size());
  const double centre = mean(x).value();
  const double t = boost::math::quantile(boost::math::students_t{n - 1.0}, one_sided_level);
  const double half_width = t * *deviation / std::sqrt(n);
  return MeanBounds{.mean = centre, .lower = centre - half_width, .upper = centre + half_width};
}

core::Result<Gate> quality_at_nomination(const QualityLoss& loss) {
  if (auto fault = fault_in(loss)) return *fault;
  if (loss.delta.size() < 2) return too_few(loss, GateOutcome::pass, 2);
  const MeanBounds bounds = mean_bounds(loss.delta).value();
  if (harm_is_proven(loss, bounds)) {
    return Gate{gate_quality, GateOutcome::veto, "proven harm: " + numbers(loss, bounds)};
  }
  return Gate{gate_quality, GateOutcome::pass, "no proven harm: " + numbers(loss, bounds)};
}

core::Result<Gate> quality_at_decision(const QualityLoss& loss) {
  if (auto fault = fault_in(loss)) return *fault;
  if (loss.delta.size() < 2) return too_few(loss, GateOutcome::hold, quality_pairs_min);
  const MeanBounds bounds = mean_bounds(loss.delta).value();
  if (harm_is_proven(loss, bounds)) {
    return Gate{gate_quality, GateOutcome::veto, "proven harm: " + numbers(loss, bounds)};
  }
  if (loss.delta.size() < quality_pairs_min) {
    return too_few(loss, GateOutcome::hold, quality_pairs_min);
  }
  if (bounds.upper < loss.margin) {
    return Gate{gate_quality, GateOutcome::pass, "not worse: " + numbers(loss, bounds)};
  }
  return Gate{gate_quality, GateOutcome::hold, "unproven: " + numbers(loss, bounds)};
}

}  // namespace amdahl::stats
