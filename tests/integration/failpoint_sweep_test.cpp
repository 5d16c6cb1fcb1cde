#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <tuple>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/ledger/migrator.hpp"
#include "support/crash_stand.hpp"

using namespace amdahl;
using namespace amdahl::test;

namespace {

using Clock = std::chrono::steady_clock;

// Tells the story with processes that die as listed, then to its end. How many of them died.
int check_story(CrashStand& stand, std::uint64_t seed, const std::vector<Death>& deaths) {
  std::string schedule = "seed " + std::to_string(seed);
  for (const auto& death : deaths) schedule += ", " + text_of(death);
  stand.start_over();
  int died = 0;
  std::uint64_t process = seed * 10;
  for (const auto& death : deaths) died += stand.tell(++process, death) ? 1 : 0;
  stand.tell(++process);
  for (const auto& fault : stand.faults()) FAIL_CHECK(schedule << ": " << fault);
  return died;
}

std::set<std::string> rows_of(const CrashStand& stand) {
  std::set<std::string> rows;
  for (const auto& death : stand.crossings()) rows.insert(death.failpoint);
  return rows;
}

// How many of the rows killed something.
std::size_t kill_at_each(CrashStand& stand, const std::set<std::string>& rows) {
  std::size_t died = 0;
  for (const auto& row : rows) {
    const auto killed = check_story(stand, 1, {{row, 1}});
    if (killed != 1) std::cerr << row << " killed " << killed << " times, not once\n";
    died += killed == 1 ? 1 : 0;
  }
  return died;
}

bool has_own_test(std::string_view row) {
  return row.starts_with("migrator.") || row.starts_with("hooks.") || row.starts_with("slurm.") ||
         row == "local.end_written" || row == "shim.result_posted";
}

}  // namespace

TEST_CASE("killed once at each failpoint of a measured job, the loop ends the same",
          "[failpoints][integration]") {
  CrashStand stand{Story::measured};
  const auto rows = rows_of(stand);
  CHECK(kill_at_each(stand, rows) == rows.size());
}

TEST_CASE("killed once at each other failpoint, and every row is crossed",
          "[failpoints][integration]") {
  std::set<std::string> crossed;
  {
    const CrashStand measured{Story::measured};
    crossed = rows_of(measured);
  }
  CrashStand stand{Story::aborted};
  auto rest = rows_of(stand);
  for (const auto& row : crossed) rest.erase(row);
  CHECK(kill_at_each(stand, rest) == rest.size());
  crossed.merge(rest);
  for (const auto& row : core::failpoints) {
    CAPTURE(row.name);
    CHECK((has_own_test(row.name) || crossed.contains(std::string{row.name})));
  }
}

TEST_CASE("killed at the end of a run without a shim, its folder is tidied",
          "[failpoints][integration]") {
  CrashStand stand{Story::measured};
  stand.start_over();
  auto& cluster = stand.stand();
  const auto spec = stand.orphan();
  REQUIRE(die_here([&] { cluster.adapter()->submit(spec, std::chrono::seconds{10}); },
                   "local.spec_written"));
  REQUIRE(die_here(
      [&] { cluster.adapter()->cancel(spec.key, {}, scheduler_adapters::CancelMode::stop); },
      "local.end_written"));
  stand.tell(1);
  CHECK(stand.faults() == std::vector<std::string>{});
}

TEST_CASE("a run stopped before a shim took its folder leaves none", "[failpoints][integration]") {
  const auto* const row = GENERATE("local.directory_made", "local.spec_written");
  CAPTURE(row);
  CrashStand stand{Story::aborted};
  stand.start_over();
  REQUIRE(stand.tell(1, Death{row, 1}));
  {
    const auto ledger = ledger::connect(stand.stand().database().service_url());
    const auto live = ledger->read_snapshot().live_runs;
    REQUIRE_FALSE(live.empty());
    ledger->put_command("story-abort", "abort",
                        {{"experiment", live.front().experiment.value}, {"reason", "at once"}});
  }
  // The request is committed and its leader dies before it sees the run again.
  REQUIRE(stand.tell(2, Death{"ledger.decision_stored", 1}));
  stand.tell(3);
  CHECK(stand.faults() == std::vector<std::string>{});
}

TEST_CASE("a migration killed at each of its failpoints is finished by the next one",
          "[failpoints][integration]") {
  for (const auto& row : core::failpoints) {
    if (!row.name.starts_with("migrator.")) continue;
    CAPTURE(row.name);
    auto database = TestDatabase::empty();
    const auto migrate = [&] { (void)ledger::migrate(database.owner_url(), "amdahl_service"); };
    REQUIRE(die_here(migrate, std::string{row.name}));
    REQUIRE(ledger::migrate(database.owner_url(), "amdahl_service").has_value());
    const auto ledger = ledger::connect(database.service_url());
    CHECK(ledger->read("verify", nlohmann::json::object())["ok"] == true);
  }
}

namespace {

constexpr Story stories[] = {Story::measured, Story::refuted, Story::aborted};

const Death& drawn(std::mt19937_64& dice, const std::vector<Death>& deaths) {
  return deaths[dice() % deaths.size()];
}

// A row first, then which of its crossings: rows that are crossed often are not killed more often.
Death draw_death(std::mt19937_64& dice, const CrashStand& stand) {
  std::map<std::string, std::vector<Death>> by_row;
  for (const auto& death : stand.crossings()) by_row[death.failpoint].push_back(death);
  auto row = by_row.begin();
  std::advance(row, dice() % by_row.size());
  return drawn(dice, row->second);
}

// Seeds `part`, `part` + 4, … to 300: deaths a pair, on average.
double kill_at_seeded_pairs(std::uint64_t part) {
  std::map<Story, std::unique_ptr<CrashStand>> stands;
  int died = 0;
  int pairs = 0;
  for (auto seed = part; seed <= 300; seed += 4) {
    std::mt19937_64 dice{seed};
    const auto drawn_story = dice() % 5;  // the quickest is told most
    const auto story = drawn_story < 3 ? Story::measured : stories[drawn_story - 2];
    auto& stand = stands[story];
    if (!stand) stand = std::make_unique<CrashStand>(story);
    const auto first = draw_death(dice, *stand);
    died += check_story(*stand, seed, {first, draw_death(dice, *stand)});
    ++pairs;
  }
  return static_cast<double>(died) / pairs;
}

}  // namespace

TEST_CASE("killed at 300 seeded pairs of failpoints, the loop ends the same: part 1",
          "[failpoints][integration]") {
  CHECK(kill_at_seeded_pairs(1) > 1);
}
TEST_CASE("killed at 300 seeded pairs of failpoints, the loop ends the same: part 2",
          "[failpoints][integration]") {
  CHECK(kill_at_seeded_pairs(2) > 1);
}
TEST_CASE("killed at 300 seeded pairs of failpoints, the loop ends the same: part 3",
          "[failpoints][integration]") {
  CHECK(kill_at_seeded_pairs(3) > 1);
}
TEST_CASE("killed at 300 seeded pairs of failpoints, the loop ends the same: part 4",
          "[failpoints][integration]") {
  CHECK(kill_at_seeded_pairs(4) > 1);
}

TEST_CASE("killed at every pair of failpoints, the loop ends the same",
          "[failpoints][integration]") {
  if (std::getenv("AMDAHL_TEST_FULL") == nullptr) {
    WARN("skipped: AMDAHL_TEST_FULL=1 does all pairs within AMDAHL_FULL_MINUTES");
    return;
  }
  const char* minutes = std::getenv("AMDAHL_FULL_MINUTES");
  const auto end =
      Clock::now() + std::chrono::minutes{minutes == nullptr ? 10 : std::atoi(minutes)};
  std::map<Story, std::unique_ptr<CrashStand>> stands;
  std::vector<std::tuple<Story, std::string, std::string>> pairs;
  for (const auto story : stories) {
    auto& stand = stands[story] = std::make_unique<CrashStand>(story);
    const auto rows = rows_of(*stand);
    for (const auto& first : rows) {
      for (const auto& second : rows) pairs.emplace_back(story, first, second);
    }
  }
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr) / 86'400);  // another every day
  std::mt19937_64 dice{seed};
  std::shuffle(pairs.begin(), pairs.end(), dice);
  std::size_t done = 0;
  for (const auto& [story, first, second] : pairs) {
    if (Clock::now() >= end) break;
    check_story(*stands[story], seed, {{first, 1}, {second, 1}});
    ++done;
  }
  std::printf("pairs of failpoints: %zu of %zu, seed %llu\n", done, pairs.size(),
              static_cast<unsigned long long>(seed));
}
