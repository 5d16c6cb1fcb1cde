// What is final, whoever asks: ends, claims, bank entries, the chain, a lease that is gone.
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "amdahl/ledger/errors.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using core::RunState;

struct Final : LedgerDriver {
  core::JobId job = add_job();
  core::ExperimentId experiment = start_trial(job, {workers(4)});

  std::string as_owner(const std::string& sql) {
    try {
      db.as_owner(sql);
    } catch (const ledger::Refused& refused) {
      return refused.sqlstate;
    }
    return "accepted";
  }
  void win() {
    auto decision = win_of(experiment, core::baseline_configuration(example_job("eval")));
    ledger->decide(lease, std::span{&decision, 1});
  }
  void run_champion(const std::string& native_id) {
    ledger::ProductionRun run;
    run.cluster = "local";
    run.native_id = native_id;
    run.submitted_at_us = 1;
    run.job = job;
    run.start_us = 1'790'000'000'000'000;
    run.end_us = run.start_us + 3'600'000'000;
    run.gpus = 2;
    run.state = "succeeded";
    run.champion = true;
    ledger->record_production(lease, std::span{&run, 1});
  }
};

TEST_CASE("a stage that waits while another takes the lease writes nothing", "[ledger][final]") {
  LedgerDriver driver;
  const auto seen = driver.ledger->head();
  const auto taken_over = "SELECT amdahl.acquire_lease('" + seen.term + "', " +
                          std::to_string(seen.renew_seq) +
                          ", '00000000-0000-4000-8000-00000000000b', 'b')";
  std::string thrown;
  std::thread stage;
  driver.db.while_locked(taken_over, [&] {
    stage = std::thread{[&] {
      try {
        driver.ledger->note(driver.lease, "orphan_swept", "run-1", {});
        thrown = "nothing";
      } catch (const ledger::Fenced&) {
        thrown = "fenced";
      } catch (const std::exception& other) {
        thrown = other.what();
      }
    }};
    while (
        driver.db.as_owner("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                           "AND usename = 'amdahl_service'") == "0") {
      std::this_thread::yield();
    }
  });
  stage.join();
  CHECK(thrown == "fenced");
  CHECK(driver.head_seq() == seen.head_seq + 1);  // the new lease, and nothing else
}

TEST_CASE("the end of a run is final, even for the owner", "[ledger][final]") {
  Final driver;
  driver.complete_pair(driver.experiment);
  CHECK(driver.as_owner("UPDATE amdahl.worker_run SET gpu_us_charged = 0") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.worker_run SET outcome = 1") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.worker_run SET reason = 'because'") == "AM010");
}

TEST_CASE("a claim is frozen at its nomination, even for the owner", "[ledger][final]") {
  Final driver;
  driver.win_of(driver.experiment, core::baseline_configuration(example_job("eval")));
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET claim = claim / 2") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET pairs_per_check = 9") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.experiment SET last_index = 9") == "AM010");
}

TEST_CASE("what is banked goes back only by a reversal", "[ledger][final]") {
  Final driver;
  driver.win();
  driver.run_champion("900");
  REQUIRE(driver.db.as_owner("SELECT count(*) FROM amdahl.bank") == "1");
  CHECK(driver.as_owner("DELETE FROM amdahl.bank") == "AM010");
  CHECK(driver.as_owner("UPDATE amdahl.bank SET gpu_us = 1") == "AM010");
  CHECK(driver.as_owner("TRUNCATE amdahl.bank CASCADE") == "AM010");
  const auto back = [&](const std::string& reverses) {
    return driver.as_owner(
        "INSERT INTO amdahl.bank (debit, credit, gpu_us, experiment_id, production_id, period, "
        "reverses) SELECT 'production', 'bank', gpu_us, experiment_id, production_id, period, " +
        reverses + " FROM amdahl.bank WHERE debit = 'bank'");
  };
  CHECK(back("NULL") == "23514");
  CHECK(back("entry_id") == "accepted");
  CHECK(back("entry_id") == "23505");
}

TEST_CASE("a revoked win earns nothing more", "[ledger][final]") {
  Final driver;
  driver.win();
  driver.run_champion("900");
  const auto banked = driver.ledger->read("bank", {})["banked_gpu_hours"].get<double>();
  REQUIRE(banked > 0);
  driver.db.as_owner("INSERT INTO amdahl.ruling (experiment_id, kind, reason, fence) VALUES (" +
                     std::to_string(driver.experiment.value) +
                     ", 'revoked', 'it did not hold', 1)");
  driver.run_champion("901");
  CHECK(driver.ledger->read("bank", {})["banked_gpu_hours"].get<double>() == banked);
}

TEST_CASE("each event binds the one before it", "[ledger][final]") {
  Final driver;
  driver.win();
  // Recomputed here, by nothing that the ledger itself uses.
  CHECK(driver.db.as_owner(
            "SELECT bool_and(hash = sha256(before || convert_to(concat_ws(E'\\n', seq, fence, "
            "kind, ref, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
            "payload), 'UTF8'))) FROM (SELECT *, coalesce(lag(hash) OVER (ORDER BY seq), "
            "decode(repeat('00', 32), 'hex')) AS before FROM amdahl.event) AS chain") == "t");
}

}  // namespace
}  // namespace amdahl::test
