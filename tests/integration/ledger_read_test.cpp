#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using nlohmann::json;

// A ledger with one win, one refutation of an idea, one open trial and a running pair.
struct BusyLedger : LedgerDriver {
  core::JobId job = add_job();
  core::ExperimentId won = start_trial(job, {workers(4)});
  core::ExperimentId open;

  BusyLedger() {
    auto champion = core::baseline_configuration(example_job("eval"));
    champion.args["workers"] = "4";
    const auto decision = win_of(won, champion);
    ledger->decide(lease, std::span{&decision, 1});
    open = start_trial(job, {gpus(2)});
    complete_pair(open);
    live_run(open, core::RunState::running);
  }
};

TEST_CASE("status counts what there is and sums without rounding to zero", "[ledger][read]") {
  BusyLedger driver;
  const auto status = driver.ledger->read("status", {});
  CHECK(status["schema"] == "amdahl.status/v1");
  CHECK(status["loop"]["state"] == "running");
  const auto impatient = driver.ledger->read("status", {{"lease_ttl_s", 0}});
  CHECK(impatient["loop"]["state"] == "no_leader");
  CHECK(status["loop"]["holder"] == "test");
  CHECK(status["jobs"] == 1);
  CHECK(
      status["experiments"] ==
      json{{"registered", 0}, {"discovering", 1}, {"refuting", 0}, {"decided", 1}, {"aborted", 0}});
  CHECK(status["open"].size() == 1);
  CHECK(status["open"][0]["name"] == "EXP-2");
  CHECK(status["hypotheses"]["decided"] == 1);
  CHECK(status["awaiting"] == json::array());
  CHECK(status["runs"]["running"] == 1);
  CHECK_FALSE(status["runs"].contains("ended"));
  CHECK(status["verdicts"]["win"] == 1);
  CHECK(status["spent_gpu_hours_24h"].get<double>() == Approx(5 * 8e6 / 3.6e9));
  CHECK(status["reserved_gpu_hours"].get<double>() == Approx(1e6 / 3.6e9));
  CHECK(status["bank"]["spent_gpu_hours"].get<double>() == Approx(5 * 8e6 / 3.6e9));
  CHECK(status["bank"]["net_gpu_hours"].get<double>() == Approx(-5 * 8e6 / 3.6e9));
  // 1,200 runs a month, 4 GPUs for 1 s each, 50 % proved on top of the hours used.
  CHECK(status["bank"]["projected_gpu_hours_per_month"].get<double>() ==
        Approx(1200 * 4.0 / 3600 * 0.5));
}

TEST_CASE("metrics are sums of what the ledger knows, in GPU-microseconds", "[ledger][read]") {
  BusyLedger driver;
  driver.ledger->put_command("one", "pause", json::object());
  const auto metrics = driver.ledger->read("metrics", {});
  CHECK(metrics["schema"] == "amdahl.metrics/v1");
  CHECK(metrics["experiments"]["decided"] == 1);
  CHECK(metrics["experiments"]["discovering"] == 1);
  const json win{{"verdict", "win"}, {"mechanism", "arg"}, {"count", 1}};
  CHECK(metrics["verdicts"] == json::array({win}));
  CHECK(metrics["cost"].size() == 1);
  CHECK(metrics["cost"][0]["gpu_us"] == 5 * 8'000'000);
  const json upheld{{"kind", "seed_and_shard"}, {"vote", "uphold"}, {"count", 3}};
  CHECK(metrics["votes"] == json::array({upheld}));
  CHECK(metrics["guardrails"] == json::array());
  CHECK(metrics["bank"] == json::array());
  CHECK(metrics["queues"]["commands"]["depth"] == 1);
  CHECK(metrics["queues"]["commands"]["oldest_s"].get<double>() >= 0);
  CHECK(metrics["queues"]["deliveries"]["depth"] == 0);
  CHECK(metrics["queues"]["runs"]["depth"] == 0);  // the only live one is running
  CHECK(metrics["checks"].is_null());
}

TEST_CASE("metrics tell a verdict's checks to who asks from before it, once", "[ledger][read]") {
  BusyLedger driver;
  const auto all = driver.ledger->read("metrics", {{"after", 0}});
  CHECK(all["after"] == 0);
  REQUIRE(all["checks"].size() == 3);
  CHECK(all["checks"][0]["kind"] == "seed_and_shard");
  CHECK(all["checks"][0]["vote"] == "uphold");
  CHECK(all["checks"][0]["seconds"].get<double>() > 0);
  CHECK(driver.ledger->read("metrics", {{"after", all["head_seq"]}})["checks"] == json::array());
}

TEST_CASE("metrics name the guardrails that said no", "[ledger][read]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto experiment = driver.start_trial(job, {workers(4), gpus(2)});
  auto decision = driver.win_of(experiment, core::baseline_configuration(example_job("eval")));
  decision.outcome = core::VerdictOutcome::refuted;
  decision.champion.reset();
  decision.evidence = {{"gates", json::array({{{"gate", "quality"}, {"outcome", "veto"}},
                                              {{"gate", "clocks"}, {"outcome", "pass"}}})}};
  driver.ledger->decide(driver.lease, std::span{&decision, 1});
  const auto metrics = driver.ledger->read("metrics", {});
  const json quality{{"guardrail", "quality"}, {"count", 1}};
  CHECK(metrics["guardrails"] == json::array({quality}));
  CHECK(metrics["verdicts"][0]["mechanism"] == "several");
}

TEST_CASE("a stage's write is timed for who wants to know", "[ledger][read]") {
  std::vector<std::chrono::microseconds> took;
  LedgerDriver driver{{.on_write = [&](std::chrono::microseconds time) { took.push_back(time); }}};
  took.clear();
  (void)driver.ledger->read("status", {});
  CHECK(took.empty());
  driver.add_job();
  REQUIRE(took.size() == 1);
  CHECK(took.front().count() > 0);
}

TEST_CASE("an empty ledger answers every view", "[ledger][read]") {
  TestDatabase db;
  const auto ledger = ledger::connect(db.service_url());
  for (const auto* view : {"status", "rank", "jobs", "job", "hypotheses", "experiments",
                           "experiment", "runs", "bank", "events", "verify", "known", "metrics"}) {
    CAPTURE(view);
    CHECK_NOTHROW(ledger->read(view, {}));
  }
  const auto status = ledger->read("status", {});
  CHECK(status["loop"]["state"] == "no_leader");
  CHECK(status["experiments"]["decided"] == 0);
  CHECK(status["runs"]["planned"] == 0);
  CHECK(status["bank"]["projected_gpu_hours_per_month"].is_null());
}

TEST_CASE("an experiment's answer holds all its evidence", "[ledger][read]") {
  BusyLedger driver;
  const auto answer = driver.ledger->read("experiment", {{"experiment", driver.won.value}});
  CHECK(answer["schema"] == "amdahl.experiment/v1");
  CHECK(answer["outcome"] == "win");
  CHECK(answer["saving"].get<double>() == Approx(0.5));
  CHECK(answer["saving_lower"].get<double>() == Approx(1 - 1 / 1.5));
  CHECK(answer["checks"].size() == 3);
  CHECK(answer["checks"][0] == json{{"check_no", 1},
                                    {"kind", "seed_and_shard"},
                                    {"planned", 1},
                                    {"vote", "uphold"},
                                    {"mean", 0.69},
                                    {"delay_s", nullptr}});
  CHECK(answer["pairs"].size() == 4);
  CHECK(answer["pairs"][0]["state"] == "complete");
  CHECK(answer["pairs"][0]["ran_first"] == "variant");
  CHECK(answer["pairs"][0]["legs"].size() == 2);
  CHECK(answer["verdict"]["upholds"] == 3);
  CHECK(answer["verdict"]["salt"].get<std::string>().size() == 32);
  CHECK(core::protocol_from_json(answer["protocol"]).has_value());
  CHECK(answer["nomination"]["pairs_per_check"] == 1);
  CHECK(driver.ledger->read("experiment", {{"experiment", 99}}).is_null());
}

TEST_CASE("lists page by keyset, newest first", "[ledger][read]") {
  BusyLedger driver;
  const auto first = driver.ledger->read("experiments", {{"limit", 1}});
  REQUIRE(first["experiments"].size() == 1);
  CHECK(first["experiments"][0]["experiment"] == driver.open.value);
  const auto second =
      driver.ledger->read("experiments", {{"limit", 1}, {"cursor", first["next_cursor"]}});
  CHECK(second["experiments"][0]["experiment"] == driver.won.value);
  CHECK(driver.ledger->read("experiments", {})["next_cursor"].is_null());
  CHECK(driver.ledger->read("experiments", {{"outcome", "win"}})["experiments"].size() == 1);
  CHECK(driver.ledger->read("experiments", {{"job", "other"}})["experiments"].empty());
  CHECK(driver.ledger->read("runs", {{"experiment", driver.open.value}})["runs"].size() == 2);
  CHECK(driver.ledger->read("runs", {{"state", "running"}})["runs"].size() == 1);
  CHECK(driver.ledger->read("hypotheses", {{"state", "decided"}})["hypotheses"].size() == 1);
}

TEST_CASE("a filter that does not exist names those that do", "[ledger][read]") {
  BusyLedger driver;
  CHECK_THROWS_WITH(driver.ledger->read("experiments", {{"state", "done"}}),
                    Catch::Contains("registered, discovering, refuting, decided, aborted"));
}

TEST_CASE("a job is shown with its configuration, wins and experiments", "[ledger][read]") {
  BusyLedger driver;
  const auto jobs = driver.ledger->read("jobs", {});
  CHECK(jobs["jobs"][0]["wins"] == json{driver.won.value});
  CHECK(jobs["jobs"][0]["knobs"] == json{"workers"});
  const auto job = driver.ledger->read("job", {{"name", "eval"}});
  CHECK(job["champion"]["args"]["workers"] == "4");
  CHECK(job["baseline"]["args"]["workers"] == "0");
  CHECK(job["experiments"].size() == 2);
  CHECK(driver.ledger->read("job", {{"name", "none"}}).is_null());
}

TEST_CASE("rank lists waste by month, and unknown last", "[ledger][read]") {
  BusyLedger driver;
  driver.add_job("other");
  ledger::Decision decision;
  const auto item = driver.registration({}, driver.job, driver.canary(driver.job));
  decision.experiment =
      driver.ledger->register_experiments(driver.lease, std::span{&item, 1}).at(0);
  decision.outcome = core::VerdictOutcome::no_effect;
  decision.reason = "sigma0 = 0.01";
  decision.phase_share =
      std::map<std::string, double>{{"input", 0.5}, {"compute", 0.25}, {"unknown", 0.25}};
  driver.ledger->decide(driver.lease, std::span{&decision, 1});
  const auto rank = driver.ledger->read("rank", {})["jobs"];
  REQUIRE(rank.size() == 2);
  CHECK(rank[0]["job"] == "eval");
  CHECK(rank[0]["largest_phase"] == "input");
  CHECK(rank[0]["ceiling"].get<double>() == Approx(2.0));
  CHECK(rank[0]["explained_share"].get<double>() == Approx(0.75));
  CHECK(rank[0]["waste_gpu_hours_per_month"].get<double>() == Approx(1200 * 4.0 / 3600 * 0.75));
  CHECK(rank[0]["next"] == "EXP-2 discovering");
  CHECK(rank[1]["waste_gpu_hours_per_month"].is_null());
  CHECK(rank[1]["explained_share"].is_null());
}

TEST_CASE("known finds the same idea by fingerprint and a near one by its change",
          "[ledger][read]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto experiment = driver.start_trial(job, {workers(4)});
  driver.complete_pair(experiment);
  ledger::Decision decision;
  decision.experiment = experiment;
  decision.outcome = core::VerdictOutcome::refuted;
  decision.reason = "accuracy fell by 0.02";
  driver.ledger->decide(driver.lease, std::span{&decision, 1});
  const json changes = core::to_json(std::vector{workers(4)});
  const auto same = driver.ledger->read(
      "known", {{"job", "eval"},
                {"changes", changes},
                {"fingerprint", core::fingerprint(driver.trial(job, {workers(4)}))}});
  CHECK(same["experiment"]["outcome"] == "refuted");
  const auto near = driver.ledger->read("known", {{"job", "eval"}, {"changes", changes}});
  CHECK(near["experiment"].is_null());
  CHECK(near["near"]["name"] == "EXP-1");
  const auto other_code = driver.ledger->read(
      "known", {{"job", "eval"}, {"changes", changes}, {"code_digest", std::string(64, 'd')}});
  CHECK(other_code["near"].is_null());
  const auto fresh = driver.ledger->read(
      "known", {{"job", "eval"}, {"changes", core::to_json(std::vector{workers(2)})}});
  CHECK(fresh["near"].is_null());
}

TEST_CASE("events are pages of the chain, and verify accepts an honest ledger", "[ledger][read]") {
  BusyLedger driver;
  const auto events = driver.ledger->read("events", {{"limit", 3}});
  REQUIRE(events["events"].size() == 3);
  CHECK(events["events"][0]["kind"] == "lease_acquired");
  CHECK(driver.ledger->read("events", {{"after", events["next_cursor"]}})["events"][0]["seq"] == 6);
  const auto verify = driver.ledger->read("verify", {});
  CHECK(verify["ok"] == true);
  CHECK(verify["events"] == driver.head_seq());
  CHECK(verify["first_bad"].is_null());
}

}  // namespace
}  // namespace amdahl::test
