// Random calls on real PostgreSQL and on the ledger in memory, compared after each: what the
// simulation learns on the one is true of the other.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>
#include <string>

#include "ledger_calls.hpp"

namespace amdahl::test {
namespace {

// One share of the seeds; the shares are tests of their own, so that they may run side by side.
// Answers the first difference.
std::string difference(unsigned share) {
  constexpr unsigned shares = 2;
  const unsigned sequences = std::getenv("AMDAHL_TEST_FULL") != nullptr ? 2000 : 80;
  TwinDatabase database;
  std::set<std::string> kinds;
  int calls = 0;
  int refused = 0;
  for (unsigned seed = 1 + share; seed <= sequences; seed += shares) {
    LedgerTwins twins{database};
    try {
      LedgerCalls work{twins, seed};
      while (twins.calls() < 60) work.step();
      twins.compare_sums();
    } catch (const std::exception& problem) {
      return fmt::format("seed {}: {}", seed, problem.what());
    }
    calls += twins.calls();
    refused += twins.refused();
    kinds.insert(twins.kinds().begin(), twins.kinds().end());
  }
  // What is never asked proves nothing.
  CAPTURE(calls, refused, kinds);
  CHECK(refused > calls / 20);
  CHECK(refused < calls / 2);
  CHECK(kinds.size() >= 32);
  return {};
}

TEST_CASE("the ledger in memory answers as PostgreSQL does, odd seeds", "[ledger][differential]") {
  CHECK(difference(0) == "");
}
TEST_CASE("the ledger in memory answers as PostgreSQL does, even seeds", "[ledger][differential]") {
  CHECK(difference(1) == "");
}

}  // namespace
}  // namespace amdahl::test
