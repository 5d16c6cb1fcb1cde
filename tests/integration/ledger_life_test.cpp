#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using core::RunState;

TEST_CASE("a fresh ledger is empty, led by nobody, and needs no wait", "[ledger]") {
  TestDatabase db;
  const auto ledger = ledger::connect(db.service_url());
  const auto head = ledger->head();
  CHECK(head.term.empty());
  CHECK(head.released);
  CHECK(head.head_seq == 0);
  CHECK(head.head_hash == std::string(64, '0'));
  const auto snapshot = ledger->read_snapshot();
  CHECK(snapshot.jobs.empty());
  CHECK(snapshot.live_runs.empty());
  CHECK(snapshot.next_t == 1);
  CHECK(snapshot.now_us > 1'600'000'000'000'000);
}

TEST_CASE("arming answers the head that holds the intent, for the witness", "[ledger]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto experiment = driver.start_trial(job, std::vector{workers(4)});
  const auto run = driver.live_run(experiment, RunState::planned);
  const auto before = driver.head_seq();
  const std::string sha(64, 'a');
  const auto armed =
      driver.ledger->arm_submits(driver.lease, std::span{&run, 1}, std::span{&sha, 1});
  CHECK(armed.head_seq > before);
  CHECK(armed.head_seq == driver.head_seq());
  CHECK(armed.head_hash == driver.ledger->head().head_hash);
  CHECK(armed.term == driver.lease.term);
}

TEST_CASE("the ledger tells which places of a chain are none of its own", "[ledger]") {
  LedgerDriver driver;
  const auto head = driver.ledger->head();
  const auto hash = head.head_hash.substr(0, 16);
  const auto unknown = [&](nlohmann::json witnesses) {
    return driver.ledger->read("witnesses", {{"witnesses", std::move(witnesses)}})["unknown"];
  };
  const auto at = [](std::int64_t seq, const std::string& text) {
    return nlohmann::json{{"head_seq", seq}, {"head_hash", text}};
  };
  CHECK(unknown(nlohmann::json::array()) == nlohmann::json::array());
  CHECK(unknown({at(head.head_seq, hash)}) == nlohmann::json::array());
  CHECK(unknown({at(head.head_seq, std::string(16, '0')), at(head.head_seq, hash),
                 at(head.head_seq + 1, hash)}) == nlohmann::json{0, 2});
  const nlohmann::json both{{"questions", nlohmann::json::array()},
                            {"witnesses", {at(head.head_seq, hash), at(head.head_seq + 1, hash)}}};
  CHECK(driver.ledger->read("known", both)["unknown"] == nlohmann::json{1});
}

TEST_CASE("what is written comes back as it was", "[ledger]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto changes = std::vector{workers(4)};
  const auto hypothesis = driver.propose(job, changes);
  const auto protocol = driver.trial(job, changes);
  const auto item = driver.registration(hypothesis, job, protocol);
  const auto experiment =
      driver.ledger->register_experiments(driver.lease, std::span{&item, 1}).at(0);
  driver.complete_pair(experiment);
  const auto live = driver.live_run(experiment, RunState::submitted);

  const auto snapshot = driver.snapshot();
  CHECK(snapshot.jobs.at(0).spec == example_job("eval"));
  CHECK(snapshot.jobs.at(0).champion == core::baseline_configuration(example_job("eval")));
  CHECK(snapshot.hypotheses.at(0).changes == changes);
  CHECK(snapshot.hypotheses.at(0).state == core::HypothesisState::registered);
  const auto& row = snapshot.experiments.at(0);
  CHECK(row.state == core::ExperimentState::discovering);
  CHECK(row.t == 1);
  auto stored = protocol;
  stored.t = 1;
  CHECK(row.protocol == stored);
  REQUIRE(row.pairs.size() == 2);
  CHECK(row.pairs[0].index == 1);
  CHECK(row.pairs[0].state == core::PairState::complete);
  CHECK(row.pairs[0].ran_first == core::Arm::variant);
  CHECK(row.pairs[0].nodes == std::vector<std::string>{"node-1"});
  CHECK(row.pairs[0].legs ==
        std::vector{example_leg(core::Arm::variant, 1), example_leg(core::Arm::baseline, 2)});
  CHECK(row.pairs[1].state == core::PairState::open);
  CHECK(row.pairs[1].attempts == 1);
  REQUIRE(snapshot.live_runs.size() == 1);
  CHECK(snapshot.live_runs[0].id == live);
  CHECK(snapshot.live_runs[0].state == RunState::submitted);
  CHECK(snapshot.live_runs[0].native_id == "pid-" + std::to_string(live.value));
  CHECK(snapshot.live_runs[0].submit_fence == driver.lease.fence);
  CHECK(snapshot.live_runs[0].job == job);
  CHECK(snapshot.gpu_us_reserved == 1e6);
  CHECK(snapshot.gpu_us_charged_today == 8e6);
}

TEST_CASE("a win moves the champion, counts in the stream and reveals its salt", "[ledger]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto experiment = driver.start_trial(job, {workers(4)});
  auto champion = core::baseline_configuration(example_job("eval"));
  champion.args["workers"] = "4";
  const auto decision = driver.win_of(experiment, champion);
  driver.ledger->decide(driver.lease, std::span{&decision, 1});

  const auto snapshot = driver.snapshot();
  CHECK(snapshot.wins == 1);
  CHECK(snapshot.experiments.empty());
  CHECK(snapshot.hypotheses.empty());
  CHECK(snapshot.jobs.at(0).champion == champion);
  CHECK(snapshot.jobs.at(0).champion_moves == 1);
  CHECK(snapshot.jobs.at(0).champion_wins == std::vector{experiment});
  CHECK(driver.db.as_owner("SELECT encode(sha256(convert_to(v.salt, 'UTF8')), 'hex') = "
                           "encode(e.salt_hash, 'hex') FROM amdahl.verdict v "
                           "JOIN amdahl.experiment e USING (experiment_id)") == "t");
}

TEST_CASE("a known idea is rejected with its old verdict", "[ledger]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto experiment = driver.start_trial(job, {workers(4)});
  driver.complete_pair(experiment);
  ledger::Decision decision;
  decision.experiment = experiment;
  decision.outcome = core::VerdictOutcome::no_effect;
  decision.reason = "futile after one pair";
  driver.ledger->decide(driver.lease, std::span{&decision, 1});

  const auto again = driver.propose(job, {workers(4)});
  const auto item = driver.registration(again, job, driver.trial(job, {workers(4)}));
  const auto made = driver.ledger->register_experiments(driver.lease, std::span{&item, 1});
  CHECK(made == std::vector{core::ExperimentId{}});
  CHECK(driver.db.as_owner("SELECT reason FROM amdahl.hypothesis WHERE state = 4") ==
        "duplicate of EXP-1: no_effect");
}

TEST_CASE("an A/A canary takes no place in the stream and leaves its noise with the job",
          "[ledger]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  const auto item = driver.registration({}, job, driver.canary(job));
  const auto canary = driver.ledger->register_experiments(driver.lease, std::span{&item, 1}).at(0);
  REQUIRE(canary);
  driver.complete_pair(canary, 0, 1.0);
  ledger::Decision decision;
  decision.experiment = canary;
  decision.outcome = core::VerdictOutcome::no_effect;
  decision.reason = "sigma0 = 0.01";
  decision.sigma0 = 0.01;
  decision.phase_share = std::map<std::string, double>{{"input", 0.5}, {"compute", 0.25}};
  driver.ledger->decide(driver.lease, std::span{&decision, 1});
  const auto snapshot = driver.snapshot();
  CHECK(snapshot.next_t == 1);
  CHECK(snapshot.jobs.at(0).sigma0 == 0.01);
  CHECK(snapshot.jobs.at(0).sigma0_from == canary);
  CHECK(snapshot.jobs.at(0).phase_share == decision.phase_share);
}

}  // namespace
}  // namespace amdahl::test
