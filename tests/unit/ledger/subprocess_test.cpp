#include "subprocess.hpp"

#include <catch2/catch.hpp>

namespace amdahl::ledger {
namespace {

TEST_CASE("a program's exit status and both its outputs are kept", "[ledger][subprocess]") {
  const auto ran = run_command(
      {{"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, {}, std::chrono::seconds{10}});
  REQUIRE(ran.has_value());
  CHECK(ran->exit_code == 3);
  CHECK(ran->output == "out\nerr\n");
}

TEST_CASE("a program that does not end is killed at its deadline", "[ledger][subprocess]") {
  const auto ran = run_command({{"/bin/sh", "-c", "sleep 60"}, {}, std::chrono::milliseconds{50}});
  REQUIRE(ran.has_error());
  CHECK(ran.error().code == core::ErrorCode::timed_out);
}

TEST_CASE("a program that prints without end is read only so far", "[ledger][subprocess]") {
  const auto ran =
      run_command({{"/bin/sh", "-c", "head -c 1000000 /dev/zero"}, {}, std::chrono::seconds{10}});
  REQUIRE(ran.has_value());
  CHECK(ran->output.size() < 70'000);
}

TEST_CASE("a program that does not exist is an exit status, as in a shell",
          "[ledger][subprocess]") {
  const auto ran = run_command({{"/nonexistent/program"}, {}, std::chrono::seconds{10}});
  REQUIRE(ran.has_value());
  CHECK(ran->exit_code == 127);
}

TEST_CASE("the program has none of our descriptors", "[ledger][subprocess]") {
  const auto ran =
      run_command({{"/bin/sh", "-c", "ls /proc/self/fd | wc -l"}, {}, std::chrono::seconds{10}});
  REQUIRE(ran.has_value());
  CHECK(ran->output == "4\n");  // 0, 1, 2 and the folder that ls reads
}

}  // namespace
}  // namespace amdahl::ledger
