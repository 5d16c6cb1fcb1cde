#include "amdahl/stats/node_gate.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using enum GateOutcome;

namespace {

constexpr LeaveOneOutRule rule{.sigma0 = 0.04, .theta_c = 0.05};

void add(std::vector<NodePair>& pairs, const std::string& nodes, int count, double d) {
  for (int i = 0; i < count; ++i) pairs.push_back({nodes, d});
}

Gate gate(const std::vector<NodePair>& pairs) { return leave_one_out(pairs, rule).value(); }

}  // namespace

TEST_CASE("a win on every node set survives without any of them", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 5, 0.08);
  add(pairs, "n2", 5, 0.07);
  add(pairs, "n3", 5, 0.06);
  CHECK(gate(pairs).outcome == pass);
  CHECK(gate(pairs).reason.find("without n1") == 0);
}

TEST_CASE("a win that lives on one node set dies without it", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 9, 0.15);
  add(pairs, "n2", 5, 0.01);
  CHECK(gate(pairs).outcome == veto);
  CHECK(gate(pairs).reason.find("without n1") == 0);
}

TEST_CASE("strong evidence for too small an effect dies too", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 3, 0.20);
  add(pairs, "n2", 40, 0.024);
  const auto result = gate(pairs);
  CHECK(result.outcome == veto);
  CHECK(result.reason.find("without n1") == 0);
}

TEST_CASE("on one node set the best pair is left out instead", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 4, 0.2);
  CHECK(gate(pairs).outcome == veto);  // 1.95^3 < 10
  add(pairs, "n1", 1, 0.2);
  CHECK(gate(pairs).outcome == pass);
  CHECK(gate(pairs).reason.find("without the best pair of n1") == 0);
}

TEST_CASE("the best pair is the largest, wherever it stands", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 5, 0.031);
  add(pairs, "n1", 1, 3.0);
  add(pairs, "n1", 4, 0.031);
  // Nine pairs of .031 are left: mean .031, not the .33 that a wrong choice would show.
  CHECK(gate(pairs).reason.find("mean 0.031 ") != std::string::npos);
}

TEST_CASE("a node set that holds nearly all pairs cannot be left out whole", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 12, 0.08);
  add(pairs, "n2", 3, 0.08);
  CHECK(gate(pairs).outcome == pass);
}

TEST_CASE("a crash weighs on the evidence, not on the mean", "[stats][gates]") {
  std::vector<NodePair> pairs;
  add(pairs, "n1", 14, 0.08);
  add(pairs, "n1", 1, crash);
  CHECK(gate(pairs).outcome == pass);
  add(pairs, "n1", 2, crash);
  CHECK(gate(pairs).outcome == veto);
  CHECK(gate(std::vector<NodePair>(3, {"n1", crash})).outcome == veto);
}

TEST_CASE("leave one out holds without pairs and refuses bad numbers", "[stats][gates]") {
  CHECK(gate({}).outcome == hold);
  CHECK(leave_one_out(std::vector<NodePair>{{"n1", not_a_number}}, rule).has_error());
  CHECK(leave_one_out({}, {.sigma0 = 0.0, .theta_c = 0.05}).has_error());
  CHECK(leave_one_out({}, {.sigma0 = 0.04, .theta_c = not_a_number}).has_error());
}
