#include "amdahl/loop/leadership.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/errors.hpp"
#include "amdahl/loop/engine.hpp"
#include "support/instant_cluster.hpp"
#include "support/real_clock.hpp"
#include "support/scratch_folder.hpp"
#include "support/test_database.hpp"

// Who leads, on a clock that only the test moves.

namespace amdahl::test {
namespace {

using namespace std::chrono_literals;

class HandClock final : public core::Clock {
 public:
  core::WallTime now() override { return {}; }
  core::BootTime since_boot() override { return at_; }
  void pass(core::BootTime time) { at_ += time; }

 private:
  core::BootTime at_ = 1h;
};

struct Candidate {
  std::unique_ptr<ledger::Ledger> ledger;
  HandClock clock;
  SeededRandom random;
  loop::Leadership leadership;

  Candidate(const TestDatabase& database, std::string holder, std::uint64_t seed)
      : ledger{ledger::connect(database.service_url())},
        random{seed},
        leadership{*ledger, clock, random, {15s, std::move(holder), false}} {}
};

TEST_CASE("a follower takes over only what did not move for one lease of its own clock",
          "[loop][leadership]") {
  TestDatabase database;
  Candidate first{database, "first", 1};
  Candidate second{database, "second", 2};
  REQUIRE(first.leadership.poll());
  CHECK_FALSE(second.leadership.poll());
  CHECK(second.leadership.waiting_for() == "first");

  second.clock.pass(14s);
  CHECK_FALSE(second.leadership.poll());
  first.clock.pass(14s);
  REQUIRE(first.leadership.poll());  // renews: the head moved
  second.clock.pass(14s);
  CHECK_FALSE(second.leadership.poll());
  second.clock.pass(15s);
  CHECK(second.leadership.poll());
  CHECK(second.leadership.waiting_for().empty());
}

TEST_CASE("a lease that was given back is taken at once", "[loop][leadership]") {
  TestDatabase database;
  Candidate first{database, "first", 1};
  Candidate second{database, "second", 2};
  REQUIRE(first.leadership.poll());
  first.leadership.release();
  CHECK(second.leadership.poll());
}

TEST_CASE("a leader renews before its trust runs out, and begins no effect after it",
          "[loop][leadership]") {
  TestDatabase database;
  Candidate leader{database, "leader", 1};
  CHECK(leader.leadership.trusted_for_effect() == 0ms);  // it does not lead yet
  REQUIRE(leader.leadership.poll());
  CHECK(leader.leadership.trusted_for_effect() == 10s);
  leader.clock.pass(4s);
  CHECK(leader.leadership.trusted_for_effect() == 6s);
  leader.clock.pass(2s);
  const auto before = leader.ledger->head().renew_seq;
  CHECK(leader.leadership.trusted_for_effect() == 10s);
  CHECK(leader.ledger->head().renew_seq == before + 1);
}

TEST_CASE("a leader that stood still while another took over begins no effect",
          "[loop][leadership]") {
  TestDatabase database;
  Candidate sleeper{database, "sleeper", 1};
  Candidate other{database, "other", 2};
  const auto lease = sleeper.leadership.poll();
  REQUIRE(lease);
  CHECK_FALSE(other.leadership.poll());
  other.clock.pass(15s);
  REQUIRE(other.leadership.poll());

  sleeper.clock.pass(20s);
  CHECK(sleeper.leadership.trusted_for_effect() == 0ms);
  CHECK_THROWS_AS(sleeper.ledger->set_paused(*lease, true, "late"), ledger::Fenced);
  CHECK_FALSE(sleeper.leadership.poll());
  CHECK(sleeper.leadership.waiting_for() == "other");
}

TEST_CASE("a leader that was replaced while it looked cancels nothing that it takes for an orphan",
          "[loop][leadership]") {
  TestDatabase database;
  Candidate sleeper{database, "sleeper", 1};
  Candidate other{database, "other", 2};
  const auto lease = sleeper.leadership.poll();
  REQUIRE(lease);
  CHECK_FALSE(other.leadership.poll());
  InstantCluster cluster{"local"};
  core::RunSpec held;
  held.key = core::make_run_key({7}, 1);
  REQUIRE(cluster.submit(held, 1s).held);
  ScratchFolder folder;
  loop::FileCodeStore code{folder.path() / "code"};
  loop::Engine engine{{*sleeper.ledger,
                       {&cluster},
                       code,
                       sleeper.random,
                       {},
                       [](std::string_view, const nlohmann::json&) {}}};
  SECTION("replaced: what looks like an orphan may be the other's") {
    cluster.while_listing = [&] {
      other.clock.pass(15s);
      REQUIRE(other.leadership.poll());
      sleeper.clock.pass(20s);
    };
    engine.cycle(*lease, sleeper.leadership);
    CHECK(cluster.find(std::array{held.key})[0].runs.at(0).held_by_us);
  }
  SECTION("still leading: it is one") {
    engine.cycle(*lease, sleeper.leadership);
    CHECK(cluster.find(std::array{held.key})[0].runs.at(0).state == core::RunState::ended);
  }
}

TEST_CASE("a leader whose ledger is gone trusts itself only as long as nobody else can lead",
          "[loop][leadership]") {
  TestDatabase database;
  Candidate leader{database, "leader", 1};
  REQUIRE(leader.leadership.poll());
  database.while_locked("LOCK TABLE amdahl.loop_head IN ACCESS EXCLUSIVE MODE", [&] {
    leader.clock.pass(6s);
    CHECK(leader.leadership.trusted_for_effect() == 4s);
    leader.clock.pass(5s);
    CHECK(leader.leadership.trusted_for_effect() == 0ms);
  });
}

}  // namespace
}  // namespace amdahl::test
