#include "api/statuses.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>
#include <vector>

#include "support/head_ledger.hpp"

namespace amdahl::http {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

json light(const std::string& head) { return {{"loop", {{"head_hash", head}}}, {"pending", 7}}; }

}  // namespace

TEST_CASE("a status is read whole once between two events", "[http]") {
  test::HeadLedger ledger;
  std::string head = "one";
  int whole = 0;
  ledger.on_read = [&](const json& args) {
    auto answer = light(head);
    if (args.value("unless_head", "") == head) return answer;
    answer["jobs"] = ++whole;
    return answer;
  };
  Statuses statuses{15s};
  CHECK(statuses.read(ledger)["jobs"] == 1);
  CHECK(statuses.read(ledger)["jobs"] == 1);
  CHECK(statuses.read(ledger)["pending"] == 7);
  head = "two";
  CHECK(statuses.read(ledger)["jobs"] == 2);
  CHECK(statuses.read(ledger)["loop"]["head_hash"] == "two");
}

TEST_CASE("those who come while a status is read share the next one, which is newer than they",
          "[http]") {
  std::atomic<int> now{0}, questions{0};
  std::promise<void> begun, released;
  auto release = released.get_future().share();
  const auto read = [&](const json&) {
    const int seen = now;
    if (++questions == 1) {
      begun.set_value();
      release.wait();
    }
    return json{{"loop", {{"head_hash", seen}}}, {"jobs", seen}};
  };
  Statuses statuses{15s};
  test::HeadLedger first;
  first.on_read = read;
  auto early = std::async(std::launch::async, [&] { return statuses.read(first); });
  begun.get_future().wait();
  now = 1;  // after the first question was sent, before the others ask
  std::vector<std::future<json>> late;
  std::vector<test::HeadLedger> ledgers(8);
  for (auto& ledger : ledgers) {
    ledger.on_read = read;
    late.push_back(std::async(std::launch::async, [&] { return statuses.read(ledger); }));
  }
  while (statuses.waiting() < 8) std::this_thread::yield();
  released.set_value();
  CHECK(early.get()["jobs"] == 0);
  for (auto& each : late) CHECK(each.get()["jobs"] == 1);
  CHECK(questions == 2);
}

TEST_CASE("a status that cannot be read is asked for again by who waited", "[http]") {
  std::atomic<int> questions{0};
  std::promise<void> begun, released;
  auto release = released.get_future().share();
  const auto read = [&](const json&) {
    if (++questions == 1) {
      begun.set_value();
      release.wait();
      throw ledger::Unavailable{"away"};
    }
    return json{{"loop", {{"head_hash", "x"}}}, {"jobs", 1}};
  };
  Statuses statuses{15s};
  test::HeadLedger first, second;
  first.on_read = second.on_read = read;
  auto early = std::async(std::launch::async, [&] { return statuses.read(first); });
  begun.get_future().wait();
  auto late = std::async(std::launch::async, [&] { return statuses.read(second); });
  while (statuses.waiting() < 1) std::this_thread::yield();
  released.set_value();
  CHECK_THROWS_AS(early.get(), ledger::Unavailable);
  CHECK(late.get()["jobs"] == 1);
}

}  // namespace amdahl::http
