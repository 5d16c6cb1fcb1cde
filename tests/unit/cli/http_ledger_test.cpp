#include "http_ledger.hpp"

#include <catch2/catch.hpp>

#include "fake_services.hpp"

using namespace amdahl;
using namespace amdahl::cli;
using nlohmann::json;

TEST_CASE("each read model of the commands has its resource", "[cli][service]") {
  struct Row {
    std::string view;
    json args;
    std::string resource;
  };
  const auto row = GENERATE(values<Row>({
      {"status", {{"lease_ttl_s", 15}}, "/api/v1/status"},
      {"rank", json::object(), "/api/v1/wastes"},
      {"jobs", {{"limit", 50}, {"cursor", "jobs-7"}}, "/api/v1/jobs?limit=50&cursor=jobs-7"},
      {"job", {{"name", "a b/ü?"}}, "/api/v1/jobs/a%20b%2F%C3%BC%3F"},
      {"hypotheses", {{"hypothesis", 4}}, "/api/v1/hypotheses?hypothesis=4"},
      {"experiments", {{"job", "x&y"}, {"limit", 1}}, "/api/v1/experiments?job=x%26y&limit=1"},
      {"experiment", {{"experiment", 12}}, "/api/v1/experiments/12"},
      {"runs", {{"limit", 2}}, "/api/v1/runs?limit=2"},
      {"runs", {{"experiment", 3}, {"state", "ended"}}, "/api/v1/experiments/3/runs?state=ended"},
      {"bank",
       {{"since", "2026-11-20T00:00:00Z"}},
       "/api/v1/bank/entries?since=2026-11-20T00%3A00%3A00Z"},
      {"events", {{"after", 9}, {"limit", 200}}, "/api/v1/events?after=9&limit=200"},
      {"command", {{"key", "cli-1"}}, "/api/v1/commands/cli-1"},
      {"tokens", json::object(), ""},
      {"verify", json::object(), ""},
  }));
  CHECK(resource_of(row.view, row.args) == row.resource);
}

TEST_CASE("a service never leads for a command", "[cli][service]") {
  HttpLedger service{{}, "0.1.0"};
  CHECK_THROWS_AS(service.acquire({}, "t", "h"), std::logic_error);
  CHECK_THROWS_AS(service.set_paused({}, true, ""), std::logic_error);
  CHECK_THROWS_AS(service.read_snapshot(), std::logic_error);
  CHECK_THROWS_AS(service.read("tokens", json::object()), std::logic_error);
}

TEST_CASE("a service that is away is the ledger being away, with its own words", "[cli][service]") {
  http_client::ClientOptions options;
  options.address.host = "/nonexistent/amdahl.sock";
  HttpLedger service{options, "0.1.0"};
  CHECK_THROWS_AS(service.head(), ledger::Unavailable);
  CHECK_THROWS_AS(service.put_command("k", "pause", json::object()), ledger::Unavailable);
  CHECK_FALSE(service.probe(std::chrono::milliseconds{100}).has_value());
}

TEST_CASE("the flag names the service, and else the variable", "[cli][service]") {
  Bench bench;
  CHECK(bench.parse({"status"}).options.server.empty());
  bench.variables["AMDAHL_SERVER"] = "http://a";
  CHECK(bench.parse({"status"}).options.server == "http://a");
  CHECK(bench.parse({"status", "--server", "unix:/b"}).options.server == "unix:/b");
}
