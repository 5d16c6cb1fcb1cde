#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/loop_stand.hpp"

using namespace amdahl;
using namespace amdahl::test;
using nlohmann::json;

// Bad jobs, bad changes: each ends with a verdict or a refusal that names what was wrong.

namespace {

core::JobSpec misbehaving(const std::string& how) {
  core::JobSpec spec;
  spec.name = "misbehaving";
  spec.cluster = "local";
  spec.command = {"sh", "misbehaving.sh", "{how}", "{seed}", "{length}"};
  spec.workdir = AMDAHL_SOURCE_DIR "/tests/fixtures";
  spec.code = {"misbehaving.sh"};
  spec.resources = {1, 1, 1, 64 << 20};
  spec.time_limit = std::chrono::milliseconds{1500};
  spec.units = {core::Source::Kind::regex, "scored (\\S+)", "", ""};
  spec.quality = {core::Source::Kind::regex, "accuracy (\\S+)", "", ""};
  spec.has_quality = true;
  spec.quality_metric = "accuracy";
  spec.quality_margin = 0.005;
  spec.knobs = {{"how", "", "", "", "well", {how}}};
  return spec;
}

json verdict_of(LoopStand& stand, const core::JobSpec& spec) {
  auto service = stand.service();
  REQUIRE(stand.command(*service, "add_job", {{"spec", core::to_json(spec)}})["ok"] == true);
  stand.run_until_idle(*service, std::chrono::seconds{120});
  const auto rows = service->ledger->read("experiments", {{"limit", 50}})["experiments"];
  for (const auto& row : rows) {
    if (row["kind"] == "trial") return row;
  }
  FAIL("no trial: " << rows.dump());
  return {};
}

}  // namespace

TEST_CASE("a variant that misbehaves is refuted, and the reason names how",
          "[loop][misbehaviour][integration]") {
  const auto [how, named] = GENERATE(table<std::string, std::string>({{"crash", "exit 3"},
                                                                      {"silent", "units"},
                                                                      {"garbage", "units"},
                                                                      {"nan", "units"},
                                                                      {"zero", "units"},
                                                                      {"negative", "units"},
                                                                      {"fewer", "units"},
                                                                      {"endless", "time limit"},
                                                                      {"worse", "quality"}}));
  LoopStand stand;
  const auto verdict = verdict_of(stand, misbehaving(how));
  CAPTURE(how, verdict.dump());
  CHECK(verdict["outcome"] == "refuted");
  CHECK(verdict["pairs_complete"].get<int>() >= 3);
  CHECK(verdict["reason"].get<std::string>().find(named) != std::string::npos);
}

TEST_CASE("an uninstrumented job, measured by regex, reaches a win",
          "[loop][misbehaviour][integration]") {
  LoopStand stand;
  CHECK(verdict_of(stand, misbehaving("fast"))["outcome"] == "win");
}

TEST_CASE("a job whose baseline cannot be measured stops and says so",
          "[loop][misbehaviour][integration]") {
  LoopStand stand;
  auto spec = misbehaving("fast");
  spec.knobs[0].baseline = "crash";
  auto service = stand.service();
  stand.command(*service, "add_job", {{"spec", core::to_json(spec)}});
  stand.run_until_idle(*service);
  const auto rows = service->ledger->read("experiments", {{"limit", 50}})["experiments"];
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["outcome"] == "void");
  REQUIRE(service->runner.last().waiting.size() == 1);
  CHECK(service->runner.last().waiting[0].starts_with("job misbehaving is paused"));
}

TEST_CASE("a patch that does not apply is refused before anything runs",
          "[loop][misbehaviour][integration]") {
  LoopStand stand;
  auto service = stand.service();
  stand.command(*service, "add_job", {{"spec", core::to_json(misbehaving("fast"))}});
  const std::string patch =
      "--- a/misbehaving.sh\n+++ b/misbehaving.sh\n@@ -1,1 +1,1 @@\n-#!/bin/nothing\n+#!/bin/sh\n";
  const auto answer = stand.command(*service, "propose",
                                    {{"job", "misbehaving"},
                                     {"changes", {{{"kind", "patch"}, {"value", patch}}}},
                                     {"source", "human"}});
  CAPTURE(answer.dump());
  CHECK(answer["ok"] == false);
  CHECK(answer["error"].get<std::string>().find("misbehaving.sh") != std::string::npos);
  CHECK(service->ledger->read("hypotheses", json::object())["hypotheses"].empty());
}

TEST_CASE("an aborted experiment stops its runs, charges them and frees the idea",
          "[loop][misbehaviour][integration]") {
  LoopStand stand;
  auto service = stand.service();
  auto spec = misbehaving("endless");
  spec.time_limit = std::chrono::seconds{50};
  stand.command(*service, "add_job", {{"spec", core::to_json(spec)}});
  std::int64_t trial = 0;
  service->runner.run(loop::Runner::Until::nothing_left, [&](auto) {
    for (const auto& row : service->ledger->read_snapshot().experiments) {
      if (row.kind != core::ExperimentKind::trial) continue;
      for (const auto& run : service->ledger->read_snapshot().live_runs) {
        if (run.state == core::RunState::running) trial = row.id.value;
      }
    }
    return trial == 0;
  });
  REQUIRE(trial != 0);
  REQUIRE(stand.command(*service, "abort", {{"experiment", trial}, {"reason", "enough"}})["ok"] ==
          true);
  stand.run_until_idle(*service);
  const auto row = service->ledger->read("experiment", {{"experiment", trial}});
  CHECK(row["state"] == "aborted");
  CHECK(row["spent_gpu_hours"].get<double>() > 0);
  CHECK(service->ledger->read_snapshot().live_runs.empty());
}
