#include <catch2/catch.hpp>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "amdahl/core/failpoint.hpp"
#include "support/crash_stand.hpp"

using namespace amdahl;
using namespace amdahl::test;

namespace {

// Tells the story with processes that die as listed, then to its end. How many of them died.
std::size_t check_story(CrashStand& stand, std::uint64_t seed, const std::vector<Death>& deaths) {
  std::string schedule = "seed " + std::to_string(seed);
  for (const auto& death : deaths) schedule += ", " + text_of(death);
  INFO(schedule);
  stand.start_over();
  std::size_t died = 0;
  std::uint64_t process = seed * 10;
  for (const auto& death : deaths) died += stand.tell(++process, death) ? 1 : 0;
  stand.tell(++process);
  for (const auto& fault : stand.faults()) {
    UNSCOPED_INFO(fault);
    CHECK(fault.empty());
  }
  return died;
}

void sweep(Story story, std::string_view own) {
  CrashStand stand{story};
  const auto begin = ::time(nullptr);
  int rows = 0;
  std::set<std::string> done;
  for (const auto& death : stand.crossings()) {
    if (!done.insert(death.failpoint).second) continue;
    CAPTURE(death.failpoint);
    CHECK(check_story(stand, 1, {death}) == 1);
    ++rows;
  }
  std::printf("%s: %d rows in %ld s\n", std::string{own}.c_str(), rows,
              long(::time(nullptr) - begin));
}

}  // namespace

TEST_CASE("killed once at each failpoint of a measured job", "[failpoints][integration]") {
  sweep(Story::measured, "measured");
}
TEST_CASE("killed once at each failpoint of a refuted change", "[failpoints][integration]") {
  sweep(Story::refuted, "refuted");
}
TEST_CASE("killed once at each failpoint of a stopped change", "[failpoints][integration]") {
  sweep(Story::aborted, "aborted");
}
