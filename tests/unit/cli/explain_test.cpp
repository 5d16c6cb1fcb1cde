#include <catch2/catch.hpp>

#include "amdahl/core/protocol.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/loop/evidence.hpp"
#include "fake_services.hpp"
#include "golden.hpp"
#include "recompute.hpp"
#include "sample_documents.hpp"

using namespace amdahl;
using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

core::Protocol some_protocol() {
  core::Protocol protocol;
  auto& job = protocol.job;
  job.name = "eval-qa";
  job.cluster = "local";
  job.command = {"run", "{workers}"};
  job.workdir = "/jobs";
  job.unit = "sample";
  job.resources = {1, 4, 2, 1 << 30};
  job.time_limit = std::chrono::seconds{60};
  protocol.baseline.args = {{"workers", "0"}};
  protocol.baseline.resources = job.resources;
  protocol.changes = {{core::ChangeKind::arg, "workers", "2"}};
  protocol.variant = core::apply(protocol.baseline, protocol.changes).value();
  protocol.sigma0 = 0.03;
  protocol.sigma0_source = "8 A/A pairs of EXP-1";
  protocol.theta_mei = 0.030459207484708574;
  for (int i = 0; i < 5; ++i)
    protocol.checks.push_back({core::CheckKind::seed_and_shard, i, i, 1, false, 0});
  return protocol;
}

core::LegResult leg(core::Arm arm, double seconds, bool crashed = false) {
  core::LegResult result;
  result.arm = arm;
  result.started = true;
  result.exit_code = crashed ? 3 : 0;
  result.window_us = static_cast<std::int64_t>(seconds * 1e6);
  result.gpus = 4;
  if (!crashed) {
    result.units = 1000;
    result.sample_digest = "5f";
    result.peak_memory_bytes = 41 << 20;
  } else {
    result.error_tail =
        "Traceback (most recent call last):\n  File \"eval.py\"\n\x1b[31mValueError: workers\n";
  }
  return result;
}

json pair_row(int index, const core::LegResult& baseline, const core::LegResult& variant) {
  return {{"index", index},
          {"check_no", 0},
          {"coin", 0},
          {"state", "complete"},
          {"void_reason", nullptr},
          {"cause", nullptr},
          {"ran_first", "baseline"},
          {"nodes", {"node-1"}},
          {"legs", {core::to_json(baseline), core::to_json(variant)}}};
}

// An experiment whose verdict is what its measurements give.
json decided(const std::vector<json>& pairs) {
  const auto protocol = some_protocol();
  auto experiment = sample_summary(12);
  experiment["protocol"] = core::to_json(protocol);
  experiment["protocol_sha"] = core::protocol_sha(protocol);
  experiment["salt_hash"] = "9c41aa00bb11cc22";
  experiment["nomination"] = nullptr;
  experiment["extension_registered"] = false;
  experiment["checks"] = json::array();
  experiment["pairs"] = pairs;
  experiment["rulings"] = experiment["bank"] = json::array();
  experiment["pairs_complete"] = pairs.size();
  experiment["verdict"] = {{"wins_before", 0}};
  const auto derived = recompute(experiment);
  REQUIRE(derived.has_value());
  REQUIRE(derived->assessment.verdict.has_value());
  const auto& standing = derived->assessment.standing;
  auto standing_json = loop::standing_json(standing);
  experiment["verdict"] = {{"outcome", core::name(derived->assessment.verdict->outcome)},
                           {"reason", derived->assessment.verdict->reason},
                           {"evidence", standing_json},
                           {"e_value", standing.e_value},
                           {"e_needed", standing.e_needed},
                           {"effect", standing_json["mean"]},
                           {"lower", standing_json["interval"]["lower"]},
                           {"upper", standing_json["interval"]["upper"]},
                           {"upholds", 0},
                           {"refutes", 0},
                           {"wins_before", 0}};
  experiment["outcome"] = experiment["verdict"]["outcome"];
  experiment["reason"] = experiment["verdict"]["reason"];
  for (const auto* key : {"e_value", "e_needed"}) experiment[key] = experiment["verdict"][key];
  for (const auto* key : {"saving", "saving_lower", "saving_upper"}) experiment[key] = nullptr;
  return experiment;
}

json without_effect() {
  std::vector<json> pairs;
  for (int i = 1; i <= 4; ++i) {
    pairs.push_back(
        pair_row(i, leg(core::Arm::baseline, 2.0), leg(core::Arm::variant, 2.1 + 0.01 * i)));
  }
  return decided(pairs);
}

json crashing() {
  std::vector<json> pairs;
  for (int i = 1; i <= 3; ++i) {
    pairs.push_back(pair_row(i, leg(core::Arm::baseline, 2.0), leg(core::Arm::variant, 0.1, true)));
  }
  return decided(pairs);
}

}  // namespace

TEST_CASE("a verdict that follows from its measurements agrees", "[cli][recompute]") {
  Bench bench;
  bench.ledger.views["experiment"] = GENERATE(without_effect(), crashing());
  const auto spoken = bench.run({"explain", "EXP-12", "--recompute"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK_THAT(spoken.out, Contains("EXP-12  agrees"));
}

TEST_CASE("an altered measurement, vote or number disagrees and is named", "[cli][recompute]") {
  auto experiment = without_effect();
  std::string named;
  SECTION("a window") {
    experiment["pairs"][1]["legs"][1]["window_us"] = 1'000'000;
    named = "E:";
  }
  SECTION("a sample digest") {
    experiment["pairs"][0]["legs"][1]["sample_digest"] = "60";
    named = "gate";
  }
  SECTION("the outcome") {
    experiment["verdict"]["outcome"] = "win";
    named = "outcome: recorded win, derived no_effect";
  }
  SECTION("the evidence number") {
    experiment["verdict"]["e_value"] = 1e6;
    named = "E: recorded 1000000.0";
  }
  SECTION("a pair that vanished") {
    experiment["pairs"].erase(3);
    named = "pairs counted";
  }
  Bench bench;
  bench.ledger.views["experiment"] = experiment;
  const auto spoken = bench.run({"explain", "12", "--recompute"});
  CHECK(spoken.code == ExitCode::check_failed);
  CHECK_THAT(spoken.out, Contains("EXP-12  disagrees") && Contains(named));
  const auto document = json::parse(bench.run({"explain", "12", "--recompute", "--json"}).out);
  CHECK(document["agrees"] == false);
  CHECK_FALSE(document["differences"].empty());
}

TEST_CASE("an experiment without a verdict cannot be recomputed", "[cli][recompute]") {
  auto experiment = without_effect();
  experiment["verdict"] = nullptr;
  Bench bench;
  bench.ledger.views["experiment"] = experiment;
  CHECK(bench.run({"explain", "12", "--recompute"}).code == ExitCode::conflict);
}

TEST_CASE("explain shows a change without effect", "[cli][explain]") {
  Bench bench;
  bench.ledger.views["experiment"] = without_effect();
  const auto spoken = bench.run({"explain", "EXP-12"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out == golden("explain-no-effect.txt", spoken.out));
}

TEST_CASE("explain shows how a crash ended, without its control characters", "[cli][explain]") {
  Bench bench;
  bench.ledger.views["experiment"] = crashing();
  const auto spoken = bench.run({"explain", "EXP-12"});
  CHECK(spoken.out == golden("explain-crash.txt", spoken.out));
  CHECK_THAT(spoken.out, !Contains("\x1b"));
}

TEST_CASE("explain shows the votes and vetoes of a win", "[cli][explain]") {
  auto experiment = without_effect();
  const auto win = sample_summary(12);
  for (const auto* key : {"outcome", "reason", "saving", "saving_lower", "saving_upper", "e_value",
                          "e_needed", "upholds", "refutes"}) {
    experiment[key] = win[key];
  }
  experiment["nomination"] = {{"claim", 0.1155}, {"pairs_per_check", 2}, {"last_index", 7}};
  experiment["checks"] = {
      {{"check_no", 1},
       {"kind", "seed_and_shard"},
       {"planned", 2},
       {"vote", "uphold"},
       {"mean", 0.13}},
      {{"check_no", 2}, {"kind", "scale"}, {"planned", 2}, {"vote", "refute"}, {"mean", 0.02}},
      {{"check_no", 3},
       {"kind", "clean_rebuild"},
       {"planned", 2},
       {"vote", nullptr},
       {"mean", nullptr}}};
  experiment["verdict"]["evidence"]["gates"] = {
      {{"gate", "quality"}, {"outcome", "pass"}, {"reason", "x"}},
      {{"gate", "clocks"}, {"outcome", "not_applicable"}, {"reason", "no events"}}};
  experiment["bank"] = {{{"gpu_hours", 5.0}, {"direction", "credit"}},
                        {{"gpu_hours", 0.69}, {"direction", "clawback"}}};
  Bench bench;
  bench.ledger.views["experiment"] = experiment;
  const auto spoken = bench.run({"explain", "EXP-12", "-o", "wide"});
  CHECK(spoken.out == golden("explain-win.txt", spoken.out));
}

TEST_CASE("an experiment that has not begun shows what it will take", "[cli][explain]") {
  auto experiment = without_effect();
  experiment["state"] = "registered";
  experiment["outcome"] = experiment["verdict"] = experiment["decided_at"] = experiment["reason"] =
      nullptr;
  experiment["e_value"] = nullptr;
  experiment["pairs"] = json::array();
  experiment["pairs_complete"] = 0;
  Bench bench;
  bench.ledger.answer_read = [&](std::string_view view, const json& args) -> json {
    if (view == "job") {
      return {{"spec", experiment["protocol"]["job"]}, {"experiments", {sample_summary(11)}}};
    }
    return args.value("experiment", 0) == 11 ? without_effect() : experiment;
  };
  const auto spoken = bench.run({"explain", "EXP-12"});
  CHECK_THAT(
      spoken.out,
      Contains("FORECAST 6 pairs, about 0.0267 GPU-h, 24.0 s, if it does nothing; 10 to 17"));
  CHECK(json::parse(
            bench.run({"explain", "12", "--json"}).out)["forecast"]["if_nothing"]["pairs"] == 6);
}

TEST_CASE("a job's name is explained as the job", "[cli][explain]") {
  Bench bench;
  bench.ledger.views["job"] = {{"name", "eval-qa"},
                               {"cluster", "alpha"},
                               {"spec", {{"command", {"run", "{workers}"}}, {"workdir", "/jobs"}}},
                               {"phase_share", {{"input", 0.25}}},
                               {"experiments", json::array()}};
  const auto spoken = bench.run({"explain", "eval-qa"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK_THAT(spoken.out, Contains("eval-qa   on alpha") && Contains("input") && Contains("25.0 %"));
  CHECK(bench.run({"explain", "EXP-x"}).code == ExitCode::usage);
}

TEST_CASE("a rejected hypothesis is explained by its number", "[cli][explain]") {
  Bench bench;
  bench.ledger.views["hypotheses"] = {
      {"hypotheses",
       {{{"hypothesis", 3},
         {"job", "eval-qa"},
         {"source", "playbook"},
         {"state", "rejected"},
         {"phase", "input"},
         {"ceiling", 1.28},
         {"change", {{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}}},
         {"rationale", "the loader starves"},
         {"reason", "duplicate"},
         {"experiment", nullptr},
         {"duplicate_of", 12},
         {"outcome", "win"}}}}};
  const auto spoken = bench.run({"explain", "H-3"});
  CHECK(spoken.out == golden("explain-hypothesis.txt", spoken.out));
  CHECK(bench.run({"explain", "H-2"}).code == ExitCode::not_found);
}
