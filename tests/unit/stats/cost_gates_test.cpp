#include "amdahl/stats/cost_gates.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using enum GateOutcome;

namespace {

const TotalCost cheaper{.baseline = {.gpu_hours = 10.0, .units = 100.0},
                        .variant = {.gpu_hours = 8.0, .units = 100.0},
                        .resources = {}};

ResourceUse memory(std::optional<double> baseline, std::optional<double> variant) {
  return {.name = "memory", .baseline = baseline, .variant = variant, .growth_max = 0.25};
}

GateOutcome with(ResourceUse use) {
  auto cost = cheaper;
  cost.resources.push_back(use);
  return total_cost(cost).value().outcome;
}

double fisher(FailureCount variant, FailureCount baseline) {
  return fisher_more_failures({.baseline = baseline, .variant = variant}).value();
}

GateOutcome failure_gate(FailureCount variant, FailureCount baseline) {
  return failures({.baseline = baseline, .variant = variant}).value().outcome;
}

}  // namespace

TEST_CASE("total cost passes only when the variant is strictly cheaper per unit",
          "[stats][gates]") {
  CHECK(total_cost(cheaper).value().outcome == pass);
  CHECK(total_cost(cheaper).value().reason ==
        "0.08 GPU-hours a unit against 0.1, failed runs included");
  auto cost = cheaper;
  cost.variant.gpu_hours = 10.0;
  CHECK(total_cost(cost).value().outcome == veto);
  cost.variant = {.gpu_hours = 8.0, .units = 50.0};
  CHECK(total_cost(cost).value().outcome == veto);
}

TEST_CASE("a variant that used GPU-hours and yielded nothing is vetoed", "[stats][gates]") {
  auto cost = cheaper;
  cost.variant.units = 0.0;
  CHECK(total_cost(cost).value().outcome == veto);
  cost.variant.gpu_hours = 0.0;
  CHECK(total_cost(cost).value().outcome == hold);
}

TEST_CASE("an arm without a known cost holds", "[stats][gates]") {
  auto cost = cheaper;
  cost.baseline.units = 0.0;
  CHECK(total_cost(cost).value().outcome == hold);
  cost.baseline = {.gpu_hours = 0.0, .units = 5.0};
  CHECK(total_cost(cost).value().outcome == hold);
}

TEST_CASE("a cheaper variant may not eat up another resource", "[stats][gates]") {
  CHECK(with(memory(8.0, 10.0)) == pass);
  CHECK(with(memory(8.0, 10.1)) == veto);
  CHECK(with(memory(8.0, std::nullopt)) == hold);
  CHECK(with(memory(std::nullopt, 8.0)) == hold);
  CHECK(with(memory(0.0, 0.0)) == pass);
}

TEST_CASE("a resource beyond its limit vetoes whatever else is unknown", "[stats][gates]") {
  auto cost = cheaper;
  cost.resources = {memory(8.0, std::nullopt), memory(8.0, 20.0), memory(8.0, 8.0)};
  const auto gate = total_cost(cost).value();
  CHECK(gate.outcome == veto);
  CHECK(gate.reason == "memory 20 against 8, allowed +25 %");
  cost.resources = {memory(8.0, std::nullopt), memory(8.0, 8.0)};
  CHECK(total_cost(cost).value().outcome == hold);
}

TEST_CASE("total cost refuses negative and unreal amounts", "[stats][gates]") {
  auto cost = cheaper;
  cost.variant.gpu_hours = GENERATE(as<double>{}, not_a_number, -1.0, unbounded);
  CHECK(total_cost(cost).has_error());
  cost = cheaper;
  cost.resources.push_back(memory(8.0, not_a_number));
  CHECK(total_cost(cost).has_error());
}

TEST_CASE("Fisher's test of five failures in twenty against none", "[stats][gates][vector-22]") {
  CHECK(fisher({5, 20}, {0, 20}) == nine_digits(0.023562023562));
}

TEST_CASE("Fisher's test at its edges", "[stats][gates]") {
  CHECK(fisher({0, 20}, {0, 20}) == 1.0);
  CHECK(fisher({0, 20}, {7, 20}) == 1.0);
  CHECK(fisher({20, 20}, {20, 20}) == 1.0);
  CHECK(fisher({3, 3}, {0, 3}) == nine_digits(0.05));  // 1 of C(6,3) = 20
  CHECK(fisher({0, 0}, {0, 0}) == 1.0);
  CHECK(fisher({1, 1}, {0, 1}) == nine_digits(0.5));
}

TEST_CASE("failures veto below five per cent, not at it", "[stats][gates]") {
  CHECK(failure_gate({5, 20}, {0, 20}) == veto);
  CHECK(failure_gate({1, 20}, {0, 20}) == pass);
  CHECK(failure_gate({0, 20}, {5, 20}) == pass);
  CHECK(failure_gate({4, 20}, {0, 20}) == pass);  // p = .053
  CHECK(failure_gate({4, 4}, {0, 4}) == veto);    // 1 of C(8,4) = 70
  CHECK(failure_gate({0, 0}, {0, 4}) == hold);
  CHECK(failure_gate({0, 4}, {0, 0}) == hold);
}

TEST_CASE("failure counts must make sense", "[stats][gates]") {
  CHECK(failures({.baseline = {0, 4}, .variant = {5, 4}}).has_error());
  CHECK(failures({.baseline = {-1, 4}, .variant = {0, 4}}).has_error());
  CHECK(failures({.baseline = {0, 2'000'000}, .variant = {0, 4}}).has_error());
}
