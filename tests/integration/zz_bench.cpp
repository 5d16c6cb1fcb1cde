#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <nlohmann/json.hpp>
#include "ledger_driver.hpp"
namespace amdahl::test {
TEST_CASE("bench", "[.bench]") {
  LedgerDriver driver;
  const auto job = driver.add_job();
  std::vector<core::ExperimentId> exps;
  for (int i = 0; i < 10; ++i) exps.push_back(driver.start_trial(job, {workers(i + 2)}));
  const auto time = [&](const char* what, auto&& fn, int n = 10) {
    const auto a = std::chrono::steady_clock::now();
    for (int i = 0; i < n; ++i) fn();
    std::printf("%s %.2f ms\n", what, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - a).count() / n);
  };
  std::vector<ledger::OpenPair> pairs;
  for (int i = 0; i < 200; ++i) pairs.push_back(driver.pair_for(exps[static_cast<std::size_t>(i) % 10]));
  time("open 200", [&] { driver.ledger->open_pairs(driver.lease, pairs); }, 1);
  std::vector<core::RunId> runs; std::vector<std::string> shas;
  for (auto& r : driver.snapshot().live_runs) { runs.push_back(r.id); shas.push_back(std::string(64,'a')); }
  time("arm 200", [&] { driver.ledger->arm_submits(driver.lease, runs, shas); }, 1);
  std::vector<ledger::RecordSubmit> subs;
  for (auto r : runs) subs.push_back({r, ledger::RecordSubmit::Kind::accepted, "n-" + std::to_string(r.value), 1, ""});
  time("submits 200", [&] { driver.ledger->record_submits(driver.lease, subs); }, 1);
  std::vector<ledger::RecordRun> moves;
  for (auto r : runs) { ledger::RecordRun m; m.run = r; m.state = core::RunState::running; m.released = true; moves.push_back(m); }
  time("move 200", [&] { driver.ledger->record_runs(driver.lease, moves); }, 1);
  time("snapshot", [&] { driver.snapshot(); });
  time("status", [&] { driver.ledger->read("status", {}); });
  time("renew", [&] { driver.ledger->renew(driver.lease); });
  {
    std::ifstream in{"/tmp/history.sql"}; std::string stmt; std::ostringstream all; all << in.rdbuf();
    driver.db.script_as_owner(all.str());
  }
  time("snapshot+100k", [&] { driver.snapshot(); });
  time("status+100k", [&] { driver.ledger->read("status", {}); });
  time("rank+100k", [&] { driver.ledger->read("rank", {}); });
  time("jobs+100k", [&] { driver.ledger->read("jobs", {}); });
  time("experiments+100k", [&] { driver.ledger->read("experiments", {}); });
  time("runs+100k", [&] { driver.ledger->read("runs", {}); });
  std::vector<ledger::RecordRun> ends;
  for (auto r : runs) { ledger::RecordRun m; m.run = r; m.state = core::RunState::ended; m.outcome = core::RunOutcome::succeeded; m.gpu_us_charged = 5; m.pair = core::PairState::complete;
    m.legs = {example_leg(core::Arm::baseline, 1), example_leg(core::Arm::variant, 1)}; ends.push_back(m); }
  time("end 200", [&] { driver.ledger->record_runs(driver.lease, ends); }, 1);
  time("snapshot after", [&] { driver.snapshot(); });
}
}
