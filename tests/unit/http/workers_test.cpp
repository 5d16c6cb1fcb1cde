#include "workers.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>

namespace amdahl::http {
namespace {

using namespace std::chrono_literals;

// What the desks of a test did.
struct Room {
  std::function<void()> on_warm = [] {};
  std::atomic<int> opened{0}, warming{0}, warmed{0}, most_at_once{0};
};

class FakeDesk final : public Desk {
 public:
  explicit FakeDesk(Room& room) : room_{room} { ++room_.opened; }
  ledger::Ledger& ledger() override { throw std::logic_error{"no ledger here"}; }
  ledger::Doors& doors() override { throw std::logic_error{"no doors here"}; }
  void warm() override {
    const int now = ++room_.warming;
    if (now > room_.most_at_once) room_.most_at_once = now;
    try {
      room_.on_warm();
    } catch (...) {
      --room_.warming;
      throw;
    }
    --room_.warming;
    ++room_.warmed;
  }

 private:
  Room& room_;
};

}  // namespace

TEST_CASE("desks are warmed one after another, each once, though nobody asks", "[http]") {
  Room room;
  std::promise<void> all;
  room.on_warm = [&] {
    std::this_thread::yield();
    if (room.warmed == 3) all.set_value();
  };
  Workers workers{4, 16, [&] { return std::make_unique<FakeDesk>(room); }};
  REQUIRE(all.get_future().wait_for(60s) == std::future_status::ready);
  workers.stop();
  CHECK(room.warmed == 4);
  CHECK(room.opened == 4);
  CHECK(room.most_at_once == 1);
}

TEST_CASE("whoever asks does not wait for a desk that is being warmed", "[http]") {
  Room room;
  std::promise<void> begun, released;
  auto release = released.get_future().share();
  room.on_warm = [&] {
    if (room.warmed == 0) begun.set_value();
    release.wait();
  };
  Workers workers{2, 16, [&] { return std::make_unique<FakeDesk>(room); }};
  REQUIRE(begun.get_future().wait_for(60s) == std::future_status::ready);
  std::promise<bool> answered;
  REQUIRE(workers.add([&](Desk* desk) { answered.set_value(desk != nullptr); }));
  auto answer = answered.get_future();
  const bool came = answer.wait_for(60s) == std::future_status::ready;
  CHECK(came);
  released.set_value();
  if (came) CHECK(answer.get());
  workers.stop();
}

TEST_CASE("a desk that could not be warmed is opened anew for who asks", "[http]") {
  Room room;
  std::promise<void> failed;
  room.on_warm = [&] {
    if (room.opened == 1) failed.set_value();
    throw std::runtime_error{"the ledger is away"};
  };
  Workers workers{1, 16, [&] { return std::make_unique<FakeDesk>(room); }};
  REQUIRE(failed.get_future().wait_for(60s) == std::future_status::ready);
  std::promise<bool> answered;
  REQUIRE(workers.add([&](Desk* desk) { answered.set_value(desk != nullptr); }));
  CHECK(answered.get_future().get());
  workers.stop();
  CHECK(room.opened == 2);
  CHECK(room.warmed == 0);
}

TEST_CASE("what waits for a worker is bounded, and there is room again when it was done",
          "[http]") {
  Workers workers{1, 2, nullptr};
  std::promise<void> begun, released, done;
  REQUIRE(workers.add([&](Desk*) {
    begun.set_value();
    released.get_future().wait();
  }));
  const bool came = begun.get_future().wait_for(60s) == std::future_status::ready;
  CHECK(came);
  CHECK(workers.add([](Desk*) {}));
  CHECK(workers.add([&](Desk*) { done.set_value(); }));
  CHECK_FALSE(workers.add([](Desk*) {}));
  released.set_value();
  CHECK(done.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(workers.add([](Desk*) {}));
  workers.stop();
  CHECK_FALSE(workers.add([](Desk*) {}));
}

}  // namespace amdahl::http
