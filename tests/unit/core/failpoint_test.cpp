#include "amdahl/core/failpoint.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

namespace amdahl::core {
namespace {

// How a process ended that armed `text` and crossed engine.planned twice.
int status_after(const char* text) {
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!arm_failpoint(text)) ::_exit(9);
    failpoint("engine.submitted");
    failpoint("engine.planned");
    failpoint("engine.planned");
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
  if (WIFSTOPPED(status)) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return status;
}

TEST_CASE("an armed failpoint kills at the crossing it names, and nowhere else",
          "[core][failpoint]") {
  CHECK(WTERMSIG(status_after("engine.planned")) == SIGKILL);
  CHECK(WTERMSIG(status_after("engine.planned@2")) == SIGKILL);
  CHECK(status_after("engine.planned@3") == 0);
  CHECK(status_after("engine.released") == 0);
  CHECK(status_after("") == 0);
  const int stopped = status_after("engine.planned@2=stop");
  CHECK(WIFSTOPPED(stopped));
}

TEST_CASE("what names no failpoint or crossing is refused by name", "[core][failpoint]") {
  const auto text = GENERATE("engine.nowhere", "engine.planned@0", "engine.planned@x",
                             "engine.planned@", "engine.planned=later", "@1");
  const auto armed = arm_failpoint(text);
  REQUIRE(armed.has_error());
  CHECK(armed.error().message.find(text) != std::string::npos);
  CHECK_FALSE(armed.error().hint.empty());
}

TEST_CASE("a handler hears every crossing until it is taken away", "[core][failpoint]") {
  std::vector<std::string> heard;
  on_failpoint([&](std::string_view name) { heard.emplace_back(name); });
  failpoint("engine.planned");
  failpoint("shim.claimed");
  on_failpoint({});
  failpoint("engine.planned");
  CHECK(heard == std::vector<std::string>{"engine.planned", "shim.claimed"});
}

TEST_CASE("every failpoint has a name of its own and says what a crash leaves",
          "[core][failpoint]") {
  std::set<std::string_view> names;
  for (const auto& point : failpoints) {
    CAPTURE(point.name);
    CHECK(names.insert(point.name).second);
    CHECK(point.name.find('.') != std::string_view::npos);
    CHECK_FALSE(point.between.empty());
    CHECK_FALSE(point.leaves.empty());
    CHECK_FALSE(point.then.empty());
  }
}

}  // namespace
}  // namespace amdahl::core
