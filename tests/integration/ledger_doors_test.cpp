#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/doors.hpp"
#include "ledger_driver.hpp"
#include "support/put_deliveries.hpp"

using namespace amdahl;
using test::LedgerDriver;
using test::workers;

namespace {

ledger::Delivery delivery(const std::string& id) {
  return {"slurm/alpha", id, "alpha", "slurm.job.ended", "17", "", {{"job_id", "17"}}};
}

std::vector<bool> put(const LedgerDriver& driver, const std::vector<ledger::Delivery>& all) {
  return test::put_deliveries(*ledger::open_delivery_channel(driver.db.service_url()), all);
}

}  // namespace

TEST_CASE("a replayed delivery is one delivery", "[ledger][doors]") {
  LedgerDriver driver;
  const auto doors = ledger::open_doors(driver.db.service_url());
  CHECK(put(driver, {delivery("b"), delivery("a"), delivery("b")}) ==
        std::vector<bool>{true, true, false});
  CHECK(put(driver, {delivery("a")}) == std::vector<bool>{false});
  CHECK(driver.snapshot().deliveries_pending == 2);
  const auto listed = driver.ledger->read("deliveries", nlohmann::json::object())["deliveries"];
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]["replays"] == 1);
  CHECK(listed[1]["replays"] == 1);
}

TEST_CASE("a commit larger than a socket's buffers is sent as the server takes it",
          "[ledger][doors]") {
  LedgerDriver driver;
  const auto channel = ledger::open_delivery_channel(driver.db.service_url());
  std::vector<ledger::Delivery> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(delivery(std::to_string(i)));
    all.back().body["text"] = std::string(100'000, 'x');
  }
  CHECK(test::put_deliveries(*channel, all) == std::vector<bool>(40, true));
  CHECK(test::put_deliveries(*channel, {{delivery("small")}}) == std::vector<bool>{true});
  CHECK(driver.snapshot().deliveries_pending == 41);
}

TEST_CASE("a channel that idles tells that its server went away", "[ledger][doors]") {
  LedgerDriver driver;
  const auto channel = ledger::open_delivery_channel(driver.db.service_url());
  CHECK(test::put_deliveries(*channel, {{delivery("a")}}) == std::vector<bool>{true});
  CHECK_FALSE(channel->step());
  driver.db.as_owner(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
      "AND query LIKE '%put_delivery%' AND pid <> pg_backend_pid()");
  pollfd ready{channel->socket(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 60'000) == 1);
  CHECK_THROWS_AS(
      [&] {
        // The server's farewell may come before the end of the stream.
        while (::poll(&ready, 1, 60'000) == 1) channel->step();
      }(),
      ledger::OutcomeUnknown);
}

TEST_CASE("too many that wait are refused, and the channel goes on", "[ledger][doors]") {
  LedgerDriver driver;
  const auto channel = ledger::open_delivery_channel(driver.db.service_url());
  driver.db.script_as_owner(
      "INSERT INTO amdahl.delivery (source, delivery_id, body) "
      "SELECT 'slurm/alpha', i::text, '{}' FROM generate_series(1, 10000) AS i");
  const std::vector<ledger::Delivery> one{delivery("a")}, two{delivery("a"), delivery("b")};
  for (const auto* all : {&one, &two}) {
    try {
      test::put_deliveries(*channel, *all);
      FAIL("it took them");
    } catch (const ledger::Refused& refused) {
      CHECK(refused.sqlstate == "AM012");
    }
  }
  driver.db.script_as_owner("UPDATE amdahl.delivery_mark SET upto = 10000");
  CHECK(test::put_deliveries(*channel, two) == std::vector<bool>{true, true});
}

TEST_CASE("a cycle is done with the deliveries that were there when it looked", "[ledger][doors]") {
  LedgerDriver driver;
  const auto doors = ledger::open_doors(driver.db.service_url());
  put(driver, {delivery("seen")});
  const auto upto = driver.snapshot().deliveries_upto;
  put(driver, {delivery("later")});
  CHECK(doors->inbox().delivery > 0);
  driver.ledger->finish_deliveries(driver.lease, upto);
  CHECK(driver.snapshot().deliveries_pending == 1);
  driver.ledger->finish_deliveries(driver.lease, driver.snapshot().deliveries_upto);
  CHECK(doors->inbox().delivery == 0);
  const auto number = driver.ledger->read("deliveries", {})["deliveries"][1]["delivery"];
  CHECK(doors->replay_delivery(number));
  CHECK(doors->inbox().delivery > 0);
  CHECK_FALSE(doors->replay_delivery(999));
  CHECK_THROWS_AS(driver.ledger->finish_deliveries({driver.lease.term, 999}, 1), ledger::Fenced);
}

TEST_CASE("a token opens until it expires or is revoked, and only its digest is kept",
          "[ledger][doors]") {
  LedgerDriver driver;
  const auto doors = ledger::open_doors(driver.db.service_url());
  const std::string sha(64, 'a'), other(64, 'b');
  doors->put_token("ci", sha, ledger::TokenScope::propose, std::nullopt);
  const auto found = doors->find_token(sha);
  REQUIRE(found);
  CHECK(found->live);
  CHECK(found->name == "ci");
  CHECK(found->scope == ledger::TokenScope::propose);
  CHECK_FALSE(doors->find_token(other));
  CHECK_THROWS_AS(doors->put_token("ci", other, ledger::TokenScope::read, std::nullopt),
                  ledger::Refused);
  doors->put_token("old", other, ledger::TokenScope::admin, 1'000'000);
  CHECK_FALSE(doors->find_token(other)->live);
  CHECK(doors->revoke_token("ci"));
  CHECK_FALSE(doors->revoke_token("ci"));
  CHECK_FALSE(doors->find_token(sha)->live);
  CHECK(driver.ledger->read("tokens", {})["tokens"].size() == 2);
}

TEST_CASE("the first posted result counts, and one of an unknown run is none", "[ledger][doors]") {
  LedgerDriver driver;
  const auto doors = ledger::open_doors(driver.db.service_url());
  const auto experiment = driver.start_trial(driver.add_job(), {workers(4)});
  driver.live_run(experiment, core::RunState::running);
  const auto key = driver.snapshot().live_runs.at(0).key.text;
  CHECK(doors->post_result(key, "{}") == ledger::Posted::fresh);
  CHECK(doors->post_result(key, "{}") == ledger::Posted::same);
  CHECK(doors->post_result(key, "{\"a\":1}") == ledger::Posted::other);
  CHECK(doors->post_result("al-none", "{}") == ledger::Posted::unknown);
  const auto posted = [&] {
    return driver.ledger->read("posted", {{"run_keys", {key, "al-none"}}}).at("posted");
  };
  CHECK(posted() == nlohmann::json{{key, "{}"}});
}

TEST_CASE(
    "what webhooks told of a run's end is answered by its key and its cluster, the newest first",
    "[ledger][doors]") {
  LedgerDriver driver;
  const auto put = [&](const std::string& id, const std::string& cluster, const std::string& kind,
                       const std::string& key, const std::string& body) {
    driver.db.script_as_owner(
        "INSERT INTO amdahl.delivery (source, delivery_id, cluster, kind, "
        "run_key, body) VALUES ('slurm', '" +
        id + "', '" + cluster + "', '" + kind + "', '" + key + "', '" + body + "')");
  };
  put("1", "lab", "slurm.job.ended", "al-a-1", R"({"type": "t", "data": {"n": 1}})");
  put("2", "lab", "slurm.job.ended", "al-a-1", R"({"n": 2})");
  put("3", "lab", "slurm.job.started", "al-a-1", R"({"n": 3})");
  put("4", "other", "slurm.job.ended", "al-a-1", R"({"n": 4})");
  put("5", "lab", "slurm.job.ended", "al-b-1", R"({"n": 5})");
  const auto told =
      driver.ledger->read("endings", {{"cluster", "lab"}, {"run_keys", {"al-a-1", "al-none-1"}}});
  CHECK(told.at("endings") ==
        nlohmann::json::array({{{"run_key", "al-a-1"}, {"told", {{"n", 2}}}},
                               {{"run_key", "al-a-1"}, {"told", {{"n", 1}}}}}));
}

TEST_CASE("what no webhook told is counted once it is a minute old", "[ledger][doors]") {
  LedgerDriver driver;
  const auto doors = ledger::open_doors(driver.db.service_url());
  const auto experiment = driver.start_trial(driver.add_job(), {workers(4)});
  const auto run = driver.live_run(experiment, core::RunState::running);
  const auto row = driver.snapshot().live_runs.at(0);
  const auto hooks = [&](std::int64_t after) {
    const auto answer =
        driver.ledger->read("hooks", {{"clusters", {row.cluster, "other"}}, {"after", after}});
    return answer.at("clusters").at(row.cluster < "other" ? 0 : 1);
  };
  driver.finish_run(run);
  CHECK(hooks(0).at("missed") == 0);  // its webhook may still come
  CHECK(hooks(0).at("ended_since") == 1);
  driver.db.script_as_owner(
      "ALTER TABLE amdahl.event DISABLE TRIGGER USER;"
      "UPDATE amdahl.event SET at = at - interval '2 minutes';");
  CHECK(hooks(0).at("missed") == 1);
  CHECK(hooks(0).at("last_at").is_null());
  const auto upto = driver.ledger->read("hooks", {{"clusters", {row.cluster}}}).at("upto");
  CHECK(hooks(upto).at("missed") == 0);
  auto told = delivery("told");
  told.cluster = row.cluster;
  told.native_id = row.native_id;
  put(driver, {told});
  CHECK(hooks(0).at("missed") == 0);
  CHECK(hooks(0).at("ended_since") == 0);
  CHECK_FALSE(hooks(0).at("last_at").is_null());
}
