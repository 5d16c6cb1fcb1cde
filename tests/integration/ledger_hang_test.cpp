#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/ledger.hpp"
#include "support/pg_proxy.hpp"
#include "support/scratch_folder.hpp"
#include "support/test_database.hpp"

// A server that stands still: it takes connections and statements, and never answers.

namespace amdahl::test {
namespace {

using namespace std::chrono_literals;

struct Hanging {
  ScratchFolder folder;
  TestDatabase database;
  PgProxy proxy{folder.path(), socket_dir_of(database.service_url())};
  std::string url = through_proxy(database.service_url(), folder.path());
  std::unique_ptr<ledger::Ledger> ledger = ledger::connect(url, {false, 300ms});
};

template <class Work>
std::chrono::milliseconds time_of(const Work& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begun);
}

TEST_CASE("a read that gets no answer ends as unavailable within its patience", "[ledger][hang]") {
  Hanging stand;
  stand.proxy.hang(true);
  const auto took = time_of([&] { CHECK_THROWS_AS(stand.ledger->head(), ledger::Unavailable); });
  CHECK(took >= 290ms);
  CHECK(took < 5s);
  stand.proxy.hang(false);
  CHECK(stand.ledger->head().head_seq >= 0);
}

TEST_CASE("a write that gets no answer is in doubt, whatever became of it", "[ledger][hang]") {
  Hanging stand;
  const auto lease =
      stand.ledger->acquire(stand.ledger->head(), "00000000-0000-4000-8000-000000000001", "test");
  REQUIRE(lease);
  stand.proxy.hang(true);
  const auto took = time_of([&] {
    CHECK_THROWS_AS(stand.ledger->note(*lease, "orphan_swept", "test", nlohmann::json::object()),
                    ledger::OutcomeUnknown);
  });
  CHECK(took < 5s);
  stand.proxy.hang(false);
  CHECK_NOTHROW(stand.ledger->renew(*lease));
}

TEST_CASE(
    "a server that takes the connection and says nothing is unavailable, whatever the URL says",
    "[ledger][hang]") {
  Hanging stand;
  stand.proxy.hang(true);
  const auto* timeout = GENERATE("", " connect_timeout=0");
  const auto took = time_of([&] {
    CHECK_THROWS_AS(ledger::connect(stand.url + timeout, {false, 300ms}), ledger::Unavailable);
  });
  CHECK(took < 9s);
}

TEST_CASE("an answer in time leaves nothing behind that ends the next one", "[ledger][hang]") {
  Hanging stand;
  const auto until = std::chrono::steady_clock::now() + 700ms;
  int answers = 0;
  for (; std::chrono::steady_clock::now() < until; ++answers) REQUIRE_NOTHROW(stand.ledger->head());
  CHECK(answers > 3);
}

}  // namespace
}  // namespace amdahl::test
