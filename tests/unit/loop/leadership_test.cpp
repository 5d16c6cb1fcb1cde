#include "amdahl/loop/leadership.hpp"

#include <catch2/catch.hpp>

#include "amdahl/ledger/errors.hpp"
#include "support/head_ledger.hpp"
#include "support/real_clock.hpp"

// Leading with every answer that a ledger may give or keep, on clocks that only the test moves.

using namespace amdahl;
using namespace amdahl::test;
using namespace std::chrono_literals;

namespace {

class TwoClocks final : public core::Clock {
 public:
  core::WallTime now() override { return wall; }
  core::BootTime since_boot() override { return boot; }
  core::WallTime wall{};
  core::BootTime boot = 1h;
};

struct Stand {
  HeadLedger ledger;
  TwoClocks clock;
  SeededRandom random{1};
  loop::Leadership leadership{ledger, clock, random, {15s, "self", false}};

  void lead() { REQUIRE(leadership.poll()); }
};

[[noreturn]] void in_doubt() { throw ledger::OutcomeUnknown{"cut at the commit"}; }
[[noreturn]] void gone() { throw ledger::Unavailable{"nobody answers"}; }

}  // namespace

TEST_CASE("the wall clock may jump as it likes: only time since boot makes and ends a leader",
          "[loop][leadership]") {
  const auto jump = std::chrono::seconds{GENERATE(-31536000, -3600, -1, 1, 3600, 31536000)};
  CAPTURE(jump.count());
  Stand follower;
  follower.ledger.taken_by("other");
  CHECK_FALSE(follower.leadership.poll());
  follower.clock.wall += jump;
  CHECK_FALSE(follower.leadership.poll());
  follower.clock.boot += 14999ms;
  CHECK_FALSE(follower.leadership.poll());
  follower.clock.boot += 1ms;
  CHECK(follower.leadership.poll());

  follower.clock.wall -= 3 * jump;
  const auto renewals = follower.ledger.now.renew_seq;
  CHECK(follower.leadership.trusted_for_effect() == 10s);
  CHECK(follower.ledger.now.renew_seq == renewals);
  follower.ledger.before = gone;
  follower.clock.boot += 9999ms;
  CHECK(follower.leadership.trusted_for_effect() == 1ms);
  follower.clock.wall += jump;
  follower.clock.boot += 1ms;
  CHECK(follower.leadership.trusted_for_effect() == 0ms);
}

TEST_CASE("a leader that lost to another says to whom, once, and whom it follows",
          "[loop][leadership]") {
  Stand stand;
  stand.lead();
  CHECK_FALSE(stand.leadership.take_loss());
  stand.ledger.taken_by("other");
  stand.clock.boot += 6s;
  CHECK_FALSE(stand.leadership.poll());
  CHECK(stand.leadership.waiting_for() == "other");
  const auto loss = stand.leadership.take_loss();
  REQUIRE(loss);
  CHECK(loss->fenced);
  CHECK(loss->why == "fence 2 of other leads");
  CHECK_FALSE(stand.leadership.take_loss());
}

TEST_CASE("a leader that cannot renew in time says since when", "[loop][leadership]") {
  Stand stand;
  stand.lead();
  stand.clock.boot += 10s;
  stand.ledger.before = gone;
  CHECK_FALSE(stand.leadership.poll());
  const auto loss = stand.leadership.take_loss();
  REQUIRE(loss);
  CHECK_FALSE(loss->fenced);
  CHECK(loss->why == "the lease was last renewed 10.0 s ago: nobody answers");
}

TEST_CASE("a lease whose answer got lost is found to be its own, as old as the question",
          "[loop][leadership]") {
  Stand stand;
  stand.ledger.after = in_doubt;
  CHECK_THROWS_AS(stand.leadership.poll(), ledger::OutcomeUnknown);
  stand.ledger.after = nullptr;
  stand.clock.boot += 4s;

  SECTION("at once") {
    const auto lease = stand.leadership.poll();
    REQUIRE(lease);
    CHECK(lease->term == stand.ledger.now.term);
    CHECK(lease->fence == 1);
    CHECK(stand.ledger.now.fence == 1);
    CHECK(stand.leadership.waiting_for().empty());
    CHECK(stand.leadership.trusted_for_effect() == 6s);
  }
  SECTION("unless it is too old to be trusted: then it is renewed first") {
    stand.clock.boot += 60s;
    REQUIRE(stand.leadership.poll());
    CHECK(stand.ledger.now.renew_seq == 1);
    CHECK(stand.leadership.trusted_for_effect() == 10s);
  }
  SECTION("unless nobody answers before it is too old") {
    stand.clock.boot += 60s;
    stand.ledger.before = [&, calls = 0]() mutable {
      if (calls++ > 0) gone();
    };
    CHECK_FALSE(stand.leadership.poll());
  }
  SECTION("unless another took it meanwhile") {
    stand.ledger.taken_by("other");
    CHECK_FALSE(stand.leadership.poll());
    CHECK(stand.leadership.waiting_for() == "other");
  }
  SECTION("unless it was given back meanwhile: then a new one is taken") {
    stand.ledger.now.released = true;
    REQUIRE(stand.leadership.poll());
    CHECK(stand.ledger.now.fence == 2);
  }
}

TEST_CASE("a question for the lease that never arrived is asked again", "[loop][leadership]") {
  Stand stand;
  stand.ledger.before = [&, calls = 0]() mutable {
    if (calls++ == 1) in_doubt();
  };
  CHECK_THROWS_AS(stand.leadership.poll(), ledger::OutcomeUnknown);
  REQUIRE(stand.leadership.poll());
  CHECK(stand.ledger.now.fence == 1);
}

TEST_CASE(
    "a leader that pauses for longer than its lease lasts renews it in pieces and nothing else",
    "[loop][leadership]") {
  Stand stand;
  stand.lead();
  CHECK(stand.leadership.renewal_interval() == 5s);
  for (int piece = 1; piece <= 6; ++piece) {
    stand.clock.boot += stand.leadership.renewal_interval();
    REQUIRE(stand.leadership.keep());
    CHECK(stand.ledger.now.renew_seq == piece);
  }
  SECTION("until another leads") {
    stand.ledger.taken_by("other");
    stand.clock.boot += 5s;
    CHECK_FALSE(stand.leadership.keep());
    CHECK(stand.leadership.take_loss()->fenced);
  }
  SECTION("and who does not lead asks nobody") {
    stand.leadership.lose();
    stand.ledger.before = gone;
    CHECK_FALSE(stand.leadership.keep());
  }
}
