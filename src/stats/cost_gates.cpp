#include "amdahl/stats/cost_gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>
#include <cmath>
#include <optional>
#include <string_view>

namespace amdahl::stats {

namespace {

constexpr std::string_view cost_word = "total_cost";
constexpr std::string_view failure_word = "failures";
constexpr double failure_veto_p = 0.05;

bool is_amount(double value) { return std::isfinite(value) && value >= 0.0; }

bool is_amount(const std::optional<double>& value) { return !value || is_amount(*value); }

std::optional<core::Error> fault_in(const TotalCost& cost) {
  for (const ArmCost& arm : {cost.baseline, cost.variant}) {
    if (!is_amount(arm.gpu_hours) || !is_amount(arm.units)) {
      return core::invalid_input(
          fmt::format("an arm cannot cost {} GPU-hours for {} units", arm.gpu_hours, arm.units));
    }
  }
  for (const ResourceUse& use : cost.resources) {
    if (!is_amount(use.baseline) || !is_amount(use.variant) || !is_amount(use.growth_max)) {
      return core::invalid_input(fmt::format(
          "the use of {} and its allowed growth must be finite and not negative", use.name));
    }
  }
  return std::nullopt;
}

Gate cost_per_unit(const ArmCost& baseline, const ArmCost& variant) {
  if (baseline.units == 0.0 || baseline.gpu_hours == 0.0) {
    return {cost_word, GateOutcome::hold,
            fmt::format("the baseline has {:.6g} GPU-hours for {:.6g} units: nothing to compare",
                        baseline.gpu_hours, baseline.units)};
  }
  if (variant.gpu_hours == 0.0) {
    return {cost_word, GateOutcome::hold, "no GPU-hours of the variant are known"};
  }
  const double before = baseline.gpu_hours / baseline.units;
  const double after = variant.gpu_hours / variant.units;  // +∞ when it yielded nothing
  return {
      cost_word, after < before ? GateOutcome::pass : GateOutcome::veto,
      fmt::format("{:.6g} GPU-hours a unit against {:.6g}, failed runs included", after, before)};
}

Gate resource(const ResourceUse& use) {
  if (!use.baseline || !use.variant) {
    return {cost_word, GateOutcome::hold, fmt::format("{} was not measured", use.name)};
  }
  const bool within = *use.variant <= *use.baseline * (1.0 + use.growth_max);
  return {cost_word, within ? GateOutcome::pass : GateOutcome::veto,
          fmt::format("{} {:.6g} against {:.6g}, allowed +{:.6g} %", use.name, *use.variant,
                      *use.baseline, 100.0 * use.growth_max)};
}

std::optional<core::Error> fault_in(const FailureCount& count) {
  if (count.failed >= 0 && count.failed <= count.runs && count.runs <= failure_runs_max)
    return std::nullopt;
  return core::invalid_input(
      fmt::format("{} of {} runs cannot have failed", count.failed, count.runs));
}

std::optional<core::Error> fault_in(const FailuresByArm& failures) {
  if (auto fault = fault_in(failures.baseline)) return fault;
  return fault_in(failures.variant);
}

}  // namespace

core::Result<Gate> total_cost(const TotalCost& cost) {
  if (auto fault = fault_in(cost)) return *fault;
  Gate gate = cost_per_unit(cost.baseline, cost.variant);
  for (const ResourceUse& use : cost.resources) {
    if (gate.outcome == GateOutcome::veto) break;
    Gate next = resource(use);
    if (next.outcome == GateOutcome::veto || gate.outcome == GateOutcome::pass) {
      if (next.outcome != GateOutcome::pass) gate = std::move(next);
    }
  }
  return gate;
}

core::Result<double> fisher_more_failures(const FailuresByArm& failures) {
  if (auto fault = fault_in(failures)) return *fault;
  const auto [base_failed, base_runs] = failures.baseline;
  const auto [failed, runs] = failures.variant;
  const int all_failed = base_failed + failed;
  const int all_runs = base_runs + runs;
  // With these margins the variant has at least this many failures: certainty.
  if (failed <= std::max(0, all_failed + runs - all_runs)) return 1.0;
  const boost::math::hypergeometric_distribution<> by_chance{static_cast<unsigned>(all_failed),
                                                             static_cast<unsigned>(runs),
                                                             static_cast<unsigned>(all_runs)};
  const int fewer = failed - 1;
  return boost::math::cdf(boost::math::complement(by_chance, fewer));
}

core::Result<Gate> failures(const FailuresByArm& failures) {
  if (auto fault = fault_in(failures)) return *fault;
  if (failures.baseline.runs == 0 || failures.variant.runs == 0) {
    return Gate{failure_word, GateOutcome::hold, "an arm has no runs"};
  }
  const double p = fisher_more_failures(failures).value();
  return Gate{
      failure_word, p < failure_veto_p ? GateOutcome::veto : GateOutcome::pass,
      fmt::format("{} of {} failed against {} of {}, Fisher p = {:.4g}", failures.variant.failed,
                  failures.variant.runs, failures.baseline.failed, failures.baseline.runs, p)};
}

}  // namespace amdahl::stats
