#include "schedule.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "amdahl/simulation/simulate.hpp"

using namespace amdahl::simulation;

namespace {

std::vector<std::uint64_t> kept_seeds() {
  std::vector<std::uint64_t> seeds;
  std::ifstream in{AMDAHL_SEEDS};
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.front() != '#') seeds.push_back(std::stoull(line));
  }
  return seeds;
}

}  // namespace

TEST_CASE("the same seed is the same schedule", "[simulation]") {
  for (std::uint64_t number = 0; number < 20; ++number) {
    const auto seed = schedule_seed(11, number);
    CAPTURE(seed);
    const auto once = run_schedule(seed), again = run_schedule(seed);
    CHECK(once.trace == again.trace);
    CHECK(once.faults == again.faults);
    CHECK(once.seam_calls == again.seam_calls);
  }
}

TEST_CASE("a schedule played again from its faults goes the same way", "[simulation]") {
  for (std::uint64_t number = 0; number < 20; ++number) {
    const auto seed = schedule_seed(12, number);
    CAPTURE(seed);
    const auto drawn = run_schedule(seed);
    const auto played = run_schedule(seed, drawn.faults);
    CHECK(played.trace == drawn.trace);
    CHECK(played.seam_calls == drawn.seam_calls);
  }
}

TEST_CASE("every schedule has a crash or a stall and a hundred seam calls", "[simulation]") {
  for (std::uint64_t number = 0; number < 100; ++number) {
    const auto result = run_schedule(schedule_seed(13, number));
    CAPTURE(schedule_seed(13, number));
    CHECK(result.crashes + result.stalls >= 1);
    CHECK(result.seam_calls >= 100);
  }
}

TEST_CASE("what once broke a promise holds now", "[simulation]") {
  const auto seeds = kept_seeds();
  REQUIRE_FALSE(seeds.empty());
  for (const auto seed : seeds) {
    CAPTURE(seed);
    const auto result = run_schedule(seed);
    CHECK((result.broken ? result.broken->invariant + ": " + result.broken->what : "") == "");
  }
}

TEST_CASE("many schedules are counted, and give the same sums on any number of threads",
          "[simulation]") {
  SimulateOptions options;
  options.seed = 0xFFFF'FFFF'FFFF'FFF0U;  // all 64 bits
  options.schedules = 30;
  options.threads = 1;
  const auto alone = simulate(options);
  options.threads = 3;
  const auto together = simulate(options);
  CHECK(alone.schedules == 30);
  CHECK(alone.violations == 0);
  CHECK(alone.crashes == together.crashes);
  CHECK(alone.stalls == together.stalls);
  CHECK(alone.seam_calls == together.seam_calls);
}
