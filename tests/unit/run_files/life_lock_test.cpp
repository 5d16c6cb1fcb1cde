#include "amdahl/run_files/life_lock.hpp"

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace amdahl;
using run_files::LifeLock;

TEST_CASE("one holds the lock, and looking does not take it", "[run_files][lock]") {
  test::ScratchFolder folder;
  const auto path = folder.path() / "lock";
  CHECK_FALSE(run_files::is_locked(path).value());  // no file yet
  {
    const auto held = LifeLock::try_take(path);
    REQUIRE(held.value());
    CHECK(run_files::is_locked(path).value());
    CHECK(run_files::is_locked(path).value());
    CHECK_FALSE(LifeLock::try_take(path).value());
  }
  CHECK_FALSE(run_files::is_locked(path).value());
  CHECK(LifeLock::try_take(path).value());
}
