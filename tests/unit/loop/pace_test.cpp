#include "amdahl/loop/pace.hpp"

#include <catch2/catch.hpp>

using namespace amdahl;
using namespace std::chrono_literals;

namespace {

loop::CycleReport report(bool acted, bool live, bool ending = false) {
  loop::CycleReport cycle;
  cycle.acted = acted;
  cycle.runs_live = live;
  cycle.runs_ending = ending;
  cycle.poll_interval = 2s;
  return cycle;
}

}  // namespace

TEST_CASE("a cycle that changed something is followed at once", "[loop][pace]") {
  loop::Pace pace{{100ms, 60s}};
  CHECK(pace.after(report(true, true)) == 0ms);
  CHECK(pace.after(report(true, false)) == 0ms);
}

TEST_CASE(
    "without runs the loop idles, with runs it looks as often as their scheduler may be asked",
    "[loop][pace]") {
  loop::Pace pace{{100ms, 60s}};
  CHECK(pace.after(report(false, false)) == 60s);
  CHECK(pace.after(report(false, true)) == 2s);
  auto local = report(false, true);
  local.poll_interval = 0ms;
  CHECK(pace.after(local) == 100ms);
  pace.idle_every(1s);
  CHECK(pace.after(report(false, false)) == 1s);
}

TEST_CASE(
    "a run that is about to end is looked at soon, then ever more rarely, until something changes",
    "[loop][pace]") {
  loop::Pace pace{{100ms, 60s}};
  for (int turn = 0; turn < 2; ++turn) {
    for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms})
      CHECK(pace.after(report(false, true, true)) == expected);
    CHECK(pace.after(report(true, true, true)) == 0ms);
  }
}
