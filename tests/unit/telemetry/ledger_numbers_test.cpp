#include "amdahl/telemetry/ledger_numbers.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "busy_metrics.hpp"

namespace amdahl::telemetry {
namespace {

TEST_CASE("the read model is read in base units", "[metrics]") {
  const auto numbers = ledger_numbers(busy_document()).value();
  CHECK(numbers.cost.at(0).value == 7200);
  CHECK(numbers.banked.at(0).labels == std::vector<std::string>{"alpha", "arg"});
  CHECK(numbers.banked.at(0).value == 36'000);
  CHECK(numbers.clawed_back.at(0).value == 1.5);
  CHECK(numbers.after == 100);
  CHECK(numbers.checks.at(0).seconds == 412.5);
  CHECK(numbers.queues.size() == 3);
}

TEST_CASE("a first reading has no checks yet", "[metrics]") {
  auto document = busy_document();
  document["after"] = document["checks"] = nullptr;
  const auto numbers = ledger_numbers(document).value();
  CHECK_FALSE(numbers.after);
  CHECK(numbers.checks.empty());
}

TEST_CASE("what is no such read model is an error that says so", "[metrics]") {
  auto document = busy_document();
  document.erase("queues");
  CHECK_THAT(ledger_numbers(document).error().message, Catch::Contains("queues"));
  document = busy_document();
  document["votes"][0]["count"] = "many";
  CHECK(ledger_numbers(document).has_error());
  CHECK(ledger_numbers(nlohmann::json{}).has_error());
}

}  // namespace
}  // namespace amdahl::telemetry
