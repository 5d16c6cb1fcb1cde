#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "amdahl/core/failpoint.hpp"

// What a failpoint costs that nothing arms: the same chain of multiplications with one and without,
// in turn.

namespace amdahl::bench {
namespace {

constexpr int steps = 2'000'000;
constexpr int turns = 41;
constexpr double bound_ns = 1.0;

template <bool with_failpoint>
[[gnu::noinline]] std::uint64_t chain(std::uint64_t value) {
  for (int i = 0; i < steps; ++i) {
    if constexpr (with_failpoint) core::failpoint("engine.planned");
    value = value * 6364136223846793005U + 1442695040888963407U;
  }
  return value;
}

template <bool with_failpoint>
double ns_per_step(std::uint64_t& value) {
  const auto begin = std::chrono::steady_clock::now();
  value = chain<with_failpoint>(value);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  return took.count() / steps;
}

int run() {
  std::uint64_t value = 1;
  std::vector<double> extra;
  for (int turn = 0; turn < turns; ++turn) {
    const auto without = ns_per_step<false>(value);
    extra.push_back(ns_per_step<true>(value) - without);
  }
  std::nth_element(extra.begin(), extra.begin() + turns / 2, extra.end());
  const auto median = std::max(0.0, extra[turns / 2]);
  fmt::print("a disarmed failpoint\t{:.2f} ns\t<= {:.0f} ns\t{}\n", median, bound_ns,
             median <= bound_ns ? "ok" : "over");
  return value == 0 ? 1 : 0;  // never: keeps the chain from being left out
}

}  // namespace
}  // namespace amdahl::bench

int main() { return amdahl::bench::run(); }
