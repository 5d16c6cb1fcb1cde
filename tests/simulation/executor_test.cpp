#include "executor.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace amdahl::simulation;
using namespace std::chrono_literals;

TEST_CASE("programs and events work in the order of simulated time", "[simulation][executor]") {
  Executor executor;
  std::string order;
  executor.spawn([&] {
    executor.pass(2ms);
    order += "a2 ";
    executor.pass(3ms);
    order += "a5 ";
  });
  executor.spawn([&] {
    executor.pass(3ms);
    order += "b3 ";
    executor.pass(5ms);
    order += "b8 ";
  });
  executor.at(4ms, [&] { order += "event4 "; });
  CHECK(executor.run(10ms, [&] { return order.size() > 18; }));
  CHECK(order == "a2 b3 event4 a5 b8 ");
  CHECK(executor.now() == Executor::Time{8ms});
}

TEST_CASE("a killed program unwinds where it waits, the others go on", "[simulation][executor]") {
  Executor executor;
  bool unwound = false, ended = false, other = false;
  struct Guard {
    bool& flag;
    ~Guard() { flag = true; }
  };
  const auto victim = executor.spawn([&] {
    const Guard guard{unwound};
    executor.pass(1h);
    ended = true;
  });
  executor.spawn([&] {
    executor.pass(10ms);
    other = true;
  });
  executor.at(5ms, [&] { executor.kill(victim); });
  executor.run(20ms, [] { return false; });
  CHECK(unwound);
  CHECK_FALSE(ended);
  CHECK(other);
  CHECK(executor.ended(victim));
}

TEST_CASE("what still runs when all is stopped is killed", "[simulation][executor]") {
  bool reached = false;
  {
    Executor executor;
    executor.spawn([&] {
      executor.pass(1h);
      reached = true;
    });
    executor.run(1ms, [] { return false; });
  }
  CHECK_FALSE(reached);
}
