#include "slots.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <set>

#include "support/scratch_folder.hpp"

using namespace amdahl;
using worker::SlotCount;
using worker::Slots;

namespace {

constexpr SlotCount machine{4, 8, 1024};

Slots slots_in(const test::ScratchFolder& folder, SlotCount total = machine) {
  return std::move(Slots::open(folder.path() / "slots", total).value());
}

std::optional<std::vector<std::int64_t>> take(Slots& slots, SlotCount wanted) {
  return slots.try_take(wanted).value();
}

}  // namespace

TEST_CASE("slots go out once, lowest first", "[worker][slots]") {
  test::ScratchFolder folder;
  auto first = slots_in(folder), second = slots_in(folder), third = slots_in(folder);
  CHECK(take(first, {2, 1, 1}) == std::vector<std::int64_t>{0, 1});
  CHECK(take(second, {2, 1, 1}) == std::vector<std::int64_t>{2, 3});
  CHECK_FALSE(take(third, {1, 1, 1}));
}

TEST_CASE("what a holder leaves is free again, in pieces too", "[worker][slots]") {
  test::ScratchFolder folder;
  std::vector<Slots> holders;
  for (int i = 0; i < 4; ++i) {
    holders.push_back(slots_in(folder));
    REQUIRE(take(holders.back(), {1, 1, 1}));
  }
  holders.erase(holders.begin() + 2);
  holders.erase(holders.begin());
  auto next = slots_in(folder);
  CHECK(take(next, {2, 1, 1}) == std::vector<std::int64_t>{0, 2});
}

TEST_CASE("all kinds are taken or none", "[worker][slots]") {
  test::ScratchFolder folder;
  auto first = slots_in(folder), second = slots_in(folder), third = slots_in(folder);
  REQUIRE(take(first, {1, 7, 1}));
  CHECK_FALSE(take(second, {1, 2, 1}));                                    // a CPU is missing
  CHECK(take(third, {3, 1, 1023}) == std::vector<std::int64_t>{1, 2, 3});  // nothing was kept
}

TEST_CASE("a run without GPUs needs none", "[worker][slots]") {
  test::ScratchFolder folder;
  auto all = slots_in(folder), none = slots_in(folder);
  REQUIRE(take(all, {4, 1, 0}));
  CHECK(take(none, {0, 1, 1}) == std::vector<std::int64_t>{});
}

TEST_CASE("more than the machine has is never granted", "[worker][slots]") {
  test::ScratchFolder folder;
  auto slots = slots_in(folder);
  CHECK_FALSE(take(slots, {5, 1, 1}));
  CHECK_FALSE(take(slots, {1, 1, 1025}));
}

TEST_CASE("services that disagree about the machine's size do not overlap", "[worker][slots]") {
  test::ScratchFolder folder;
  auto small = slots_in(folder, {2, 8, 1024}), large = slots_in(folder, {8, 8, 1024});
  REQUIRE(take(small, {2, 1, 1}));
  const auto rest = take(large, {6, 1, 1});
  REQUIRE(rest);
  CHECK(rest->front() == 2);
}

TEST_CASE("a folder that cannot be made is an error with its name", "[worker][slots]") {
  test::ScratchFolder folder;
  const auto slots = Slots::open(folder.path() / "a/b/slots", machine);
  REQUIRE(slots.has_error());
  CHECK(slots.error().message.find("a/b/slots") != std::string::npos);
}
