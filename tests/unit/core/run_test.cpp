#include "amdahl/core/run.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/core/protocol.hpp"

using namespace amdahl::core;

namespace {
Protocol some_protocol() {
  Protocol protocol;
  protocol.job.name = "eval";
  protocol.job.cluster = "local";
  protocol.job.command = {"run", "--workers={workers}", "--seed", "{seed}", "{{x}}"};
  protocol.job.workdir = "/jobs";
  protocol.baseline.args = {{"workers", "0"}};
  protocol.baseline.resources = {1, 4, 2, 0};
  protocol.changes = {{ChangeKind::arg, "workers", "2"}, {ChangeKind::resource, "gpus", "2"}};
  protocol.variant = amdahl::core::apply(protocol.baseline, protocol.changes).value();
  protocol.checks = {{CheckKind::seed_and_shard, 7, 1, 1, false, 0},
                     {CheckKind::scale, 1, 0, 2, false, 0},
                     {CheckKind::clean_rebuild, 1, 0, 1, true, 512}};
  return protocol;
}
const RunKey key = make_run_key({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 1);
}  // namespace

TEST_CASE("a run key is a DNS label that carries 16 bytes and the attempt", "[core][run]") {
  CHECK(make_run_key({}, 1).text == "al-aaaaaaaaaaaaaaaaaaaaaaaaaa-1");
  CHECK(key.text == "al-aebagbafaydqqcikbmga2dqpca-1");
  CHECK(is_run_key(key.text));
  CHECK(is_run_key(make_run_key({255}, 20).text));
  for (const auto* bad :
       {"", "al-", "al-aebagbafaydqqcikbmga2dqpca-0", "al-AEBAGBAFAYDQQCIKBMGA2DQPCA-1",
        "../aebagbafaydqqcikbmga2dqpca-1", "al-aebagbafaydqqcikbmga2dqpca-123"}) {
    CHECK_FALSE(is_run_key(bad));
  }
}

TEST_CASE("the coin decides which arm runs first and nothing else", "[core][run]") {
  const auto heads = make_run_spec(some_protocol(), "EXP-1", 0, 3, 0, key);
  const auto tails = make_run_spec(some_protocol(), "EXP-1", 0, 3, 1, key);
  CHECK(heads.legs[0].arm == Arm::baseline);
  CHECK(tails.legs[0].arm == Arm::variant);
  CHECK(heads.legs[0] == tails.legs[1]);
  CHECK(heads.legs[1] == tails.legs[0]);
  CHECK(heads.allocation.gpus == 4);
  CHECK(heads.legs[1].gpus == 2);
}

TEST_CASE("a leg's command has its placeholders filled and keeps other braces", "[core][run]") {
  const auto spec = make_run_spec(some_protocol(), "EXP-1", 1, 3, 0, key);
  CHECK(spec.legs[1].command ==
        std::vector<std::string>{"run", "--workers=2", "--seed", "7", "{{x}}"});
}

TEST_CASE("each check changes what it names", "[core][run]") {
  CHECK(make_run_spec(some_protocol(), "EXP-1", 3, 9, 0, key).fresh_layout);
  CHECK(make_run_spec(some_protocol(), "EXP-1", 3, 9, 0, key).env_padding_bytes == 512);
  CHECK_FALSE(make_run_spec(some_protocol(), "EXP-1", 4, 9, 0, key).fresh_layout);  // the extension
}

TEST_CASE("specs, results and protocols survive their JSON form", "[core][run]") {
  auto spec = make_run_spec(some_protocol(), "EXP-1", 3, 9, 1, key);
  spec.witness = {"term", 3, 99, "00ff"};
  CHECK(run_spec_from_json(to_json(spec)).value() == spec);
  LegResult leg;
  leg.started = true;
  leg.exit_code = 1;
  leg.units = 600;
  leg.phase_seconds = {{"input", 0.5}};
  leg.error_tail = "Traceback";
  const RunResult result{key, spec_sha(spec), {leg, {}},   "n1", {"0", "1"}, 5, 6,
                         "",  true,           spec.witness};
  CHECK(run_result_from_json(to_json(result)).value() == result);
  CHECK(protocol_from_json(to_json(some_protocol())).value() == some_protocol());
}

TEST_CASE("what a run on one node does not need stands in no spec", "[core][run]") {
  auto spec = make_run_spec(some_protocol(), "EXP-1", 0, 1, 0, key);
  // An older shim, which knows neither, must compute the same digest.
  const auto text = to_json(spec).dump();
  CHECK(text.find("pinned_nodes") == std::string::npos);
  CHECK_FALSE(to_json(spec)["legs"][0].contains("nodes"));
  const auto before = spec_sha(spec);
  spec.pinned_nodes = {"n2", "n3"};
  spec.legs[1].nodes = 2;
  CHECK(run_spec_from_json(to_json(spec)).value() == spec);
  CHECK(spec_sha(spec) != before);
}

TEST_CASE("an allocation holds either arm on each of its nodes", "[core][run]") {
  auto protocol = some_protocol();
  protocol.baseline.resources = {2, 8, 4, 1000};
  protocol.variant.resources = {1, 8, 1, 700};
  const auto spec = make_run_spec(protocol, "EXP-1", 0, 1, 0, key);
  CHECK(spec.allocation == Resources{2, 16, 4, 1400});
  CHECK(spec.legs[0].nodes == 2);
  CHECK(spec.legs[0].gpus == 8);
  CHECK(spec.legs[1].nodes == 1);
  CHECK(spec.legs[1].gpus == 8);
  CHECK(enclosing({1, 4, 3, 5}, {1, 2, 7, 9}) == Resources{1, 4, 7, 9});
}

TEST_CASE("the spec's digest ignores where the ledger and the copy of the code stood",
          "[core][run]") {
  auto spec = make_run_spec(some_protocol(), "EXP-1", 0, 1, 0, key);
  const auto before = spec_sha(spec);
  spec.witness.fence = 42;
  spec.code_dir = "/elsewhere";
  CHECK(spec_sha(spec) == before);
  spec.legs[0].gpus = 3;
  CHECK(spec_sha(spec) != before);
}

TEST_CASE("the fingerprint changes with everything that makes an experiment another one",
          "[core][run]") {
  const auto base = fingerprint(some_protocol());
  auto other = some_protocol();
  SECTION("code") { other.code_digest = "x"; }
  SECTION("hardware") { other.hardware_class = "x"; }
  SECTION("resources") { other.baseline.resources.gpus = 8; }
  SECTION("change") { other.changes[0].value = "4"; }
  SECTION("dataset") { other.job.dataset = "x"; }
  SECTION("kind") { other.kind = ExperimentKind::canary; }
  CHECK(fingerprint(other) != base);
}

TEST_CASE("the fingerprint ignores what was decided about the test, not about the job",
          "[core][run]") {
  auto other = some_protocol();
  other.sigma0 = 0.5;
  other.t = 9;
  other.checks.pop_back();
  CHECK(fingerprint(other) == fingerprint(some_protocol()));
}
