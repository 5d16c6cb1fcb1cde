#include "program.hpp"

#include <signal.h>

#include <catch2/catch.hpp>

#include "support/real_clock.hpp"

namespace amdahl::scheduler_adapters {
namespace {

using namespace std::chrono_literals;

Ran run(std::vector<std::string> words, std::chrono::milliseconds deadline = 20s) {
  test::RealClock clock;
  return run_program({std::move(words), {{"PATH", "/usr/bin:/bin"}, {"ONLY", "a b\n'c'"}}},
                     deadline, clock);
}

TEST_CASE("a program gets its words and its environment as they are", "[program]") {
  const auto ran = run({"/bin/sh", "-c", "printf '%s|' \"$@\" \"$ONLY\"; env | wc -l >&2; exit 3",
                        "sh", "$(reboot) `x`", "two\nlines", ""});
  CHECK(ran.end == Ran::End::exited);
  CHECK(ran.status == 3);
  CHECK(ran.output == "$(reboot) `x`|two\nlines||a b\n'c'|");
}

TEST_CASE("a program that does not exist was provably not started", "[program]") {
  const auto ran = run({"no-such-program"});
  CHECK(ran.end == Ran::End::not_started);
  CHECK(ran.error.find("no-such-program") != std::string::npos);
}

TEST_CASE("at the deadline a program ends with all that it started", "[program]") {
  const auto ran = run({"sh", "-c", "sleep 600 & echo $!; wait"}, 300ms);
  CHECK(ran.end == Ran::End::too_late);
  const auto child = static_cast<pid_t>(std::stol(ran.output));
  // Killed at once, gone when its new parent has collected it.
  for (int i = 0; i < 2'000 && ::kill(child, 0) == 0; ++i) run({"true"});
  CHECK(::kill(child, 0) != 0);
}

TEST_CASE("a program that closes its output and stays is not waited for without end", "[program]") {
  CHECK(run({"sh", "-c", "exec >&- 2>&-; exec sleep 600"}, 300ms).end == Ran::End::too_late);
}

TEST_CASE("a program that somebody kills did not succeed", "[program]") {
  CHECK(run({"sh", "-c", "kill -9 $$"}).status == 128 + SIGKILL);
}

TEST_CASE("output of any size goes by its listener, who may have enough of it", "[program]") {
  test::RealClock clock;
  const auto listen = [&](const OutputListener& listener) {
    return run_program(
        {{"sh", "-c", "head -c 100000000 /dev/zero; echo end >&2"}, {{"PATH", "/bin:/usr/bin"}}},
        60s, clock, listener);
  };
  std::size_t taken = 0;
  const auto whole = listen([&](std::string_view piece) {
    taken += piece.size();
    return true;
  });
  CHECK(whole.end == Ran::End::exited);
  CHECK(whole.error == "end\n");
  CHECK(whole.output.empty());
  CHECK(taken == 100'000'000);
  CHECK(listen([](std::string_view) { return false; }).end == Ran::End::unwanted);
  CHECK_THROWS_AS(listen([](std::string_view) -> bool { throw std::runtime_error{"full"}; }),
                  std::runtime_error);
}

TEST_CASE("a program cannot fill the memory", "[program]") {
  const auto ran = run({"sh", "-c", "exec cat /dev/zero"});
  CHECK(ran.end == Ran::End::too_much);
  CHECK(ran.output.size() == 64u << 20);
}

}  // namespace
}  // namespace amdahl::scheduler_adapters
