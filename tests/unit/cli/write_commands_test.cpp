#include <catch2/catch.hpp>

#include "fake_services.hpp"
#include "sample_documents.hpp"
#include "support/scratch_folder.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

const std::string small_job = R"([job]
name = "small"
command = ["true", "{k}"]
resources = { memory = "1MiB", time_limit = "1s" }
[knob.k]
baseline = 1
values = [2, 3]
)";

}  // namespace

TEST_CASE("jobs add sends the parsed job and waits for the leader's answer", "[cli][jobs]") {
  const amdahl::test::ScratchFolder folder;
  folder.write("job.toml", small_job);
  Bench bench;
  bench.directory = folder.path();
  bench.ledger.head_row.term = "t";
  bench.ledger.command_reply =
      json{{"ok", true}, {"job", "small"}, {"changed", false}, {"note", ""}};
  const auto spoken = bench.run({"jobs", "add", "job.toml"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out == "small is in the ledger\n");
  REQUIRE(bench.ledger.commands.size() == 1);
  CHECK(bench.ledger.commands[0].first == "add_job");
  CHECK(bench.ledger.commands[0].second["spec"]["workdir"] == folder.path().string());
}

TEST_CASE("a broken job file reaches no ledger", "[cli][jobs]") {
  const amdahl::test::ScratchFolder folder;
  folder.write("job.toml", small_job + "colour = 1\n");
  Bench bench;
  bench.directory = folder.path();
  const auto spoken = bench.run({"jobs", "add", "job.toml"});
  CHECK(spoken.code == ExitCode::usage);
  CHECK_THAT(spoken.err, Contains("job.toml:8:1  unknown key knob.k.colour"));
  CHECK(bench.ledger.commands.empty());
  CHECK(bench.run({"jobs", "--check", "job.toml"}).code == ExitCode::usage);
  CHECK(bench.run({"jobs", "--check", "absent.toml"}).code == ExitCode::not_found);
  folder.write("job.toml", small_job);
  CHECK_THAT(bench.run({"jobs", "--check", "job.toml"}).out, Contains("would try k 1 → 2"));
}

TEST_CASE("where nobody leads, the asking process leads for one moment", "[cli][ask]") {
  Bench bench;
  int driven = 0;
  bench.on_drive = [&](const Drive& drive) {
    ++driven;
    CHECK(drive.commands_only);
    CHECK_FALSE(drive.done());
    bench.ledger.command_reply = json{{"ok", true}};
    CHECK(drive.done());
  };
  SECTION("the lease was given back") {
    bench.ledger.head_row.term = "t";
    bench.ledger.head_row.released = true;
  }
  SECTION("there never was a leader") { bench.ledger.head_row = {}; }
  SECTION("the leader stands still for a whole lease") { bench.ledger.head_row.term = "t"; }
  CHECK(bench.run({"pause"}).code == ExitCode::ok);
  CHECK(driven == 1);
}

TEST_CASE("a leader that lives is waited for, but not for ever", "[cli][ask]") {
  Bench bench;
  bench.on_drive = [](const Drive&) { FAIL("somebody leads"); };
  bench.ledger.head_row.term = "t";
  bench.ledger.head_row.holder = "ctl-01:1";
  const auto spoken = bench.run({"pause", "--timeout", "3s"});
  CHECK(spoken.code == ExitCode::timed_out);
  CHECK_THAT(spoken.err, Contains("ctl-01:1") && Contains("stays in the inbox"));
}

TEST_CASE("an interrupt ends the wait for an answer with its own exit code", "[cli][ask]") {
  Bench bench;
  bench.interrupts = 1;
  const auto spoken = bench.run({"pause"});
  CHECK(spoken.code == ExitCode::interrupted);
  CHECK_THAT(spoken.err, Contains("the request stays in the inbox"));
}

TEST_CASE("a refusal ends with the exit code of its kind", "[cli][ask]") {
  struct Refusal {
    const char* code;
    ExitCode exit;
  };
  const auto refusal = GENERATE(values<Refusal>({{"not_found", ExitCode::not_found},
                                                 {"conflict", ExitCode::conflict},
                                                 {"not_allowed", ExitCode::not_allowed},
                                                 {"invalid_input", ExitCode::usage}}));
  Bench bench;
  bench.ledger.command_reply =
      json{{"ok", false}, {"code", refusal.code}, {"error", "EXP-9 is not open"}, {"hint", "wait"}};
  const auto spoken = bench.run({"abort", "EXP-9", "--reason", "x"});
  CHECK(spoken.code == refusal.exit);
  CHECK(spoken.err == "amdahl: EXP-9 is not open\n  wait\n");
  CHECK(bench.ledger.commands[0].second == json{{"experiment", 9}, {"reason", "x"}});
}

TEST_CASE("decisions of people reach the leader in its own words", "[cli][decide]") {
  Bench bench;
  bench.ledger.command_reply = json{{"ok", true}};
  CHECK(bench.run({"approve", "H-5"}).out == "H-5 may be tested\n");
  CHECK(bench.run({"pause", "--reason", "maintenance"}).err == "undo: amdahl resume\n");
  CHECK(bench.run({"resume"}).code == ExitCode::ok);
  CHECK(bench.ledger.commands[0] == std::pair<std::string, json>{"approve", {{"hypothesis", 5}}});
  CHECK(bench.ledger.commands[1] ==
        std::pair<std::string, json>{"pause", {{"reason", "maintenance"}}});
  CHECK(bench.ledger.commands[2].first == "resume");
}

TEST_CASE("a known idea answers with its verdict", "[cli][propose]") {
  const amdahl::test::ScratchFolder folder;
  folder.write("idea.toml", "job = \"eval-qa\"\nrationale = \"starved\"\n[arg]\nworkers = 2\n");
  Bench bench;
  bench.directory = folder.path();
  bench.ledger.command_reply =
      json{{"ok", true}, {"known", true}, {"experiment", sample_summary(12)}};
  const auto spoken = bench.run({"propose", "-f", "idea.toml"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK_THAT(spoken.out, Contains("known already: EXP-12  workers 0 → 2  ✔ win") &&
                             Contains("11.8 % [9.4 … 14.1]"));
  const auto& asked = bench.ledger.commands[0].second;
  CHECK(asked["changes"] == json{{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}});
  CHECK(asked["source"] == "human");
  CHECK(asked["replicate"] == 0);
}

TEST_CASE("a new idea answers with its number and a forecast", "[cli][propose]") {
  const amdahl::test::ScratchFolder folder;
  folder.write("idea.toml", "job = \"eval-qa\"\npatch = \"loader.patch\"\n");
  folder.write("loader.patch", "--- a\n+++ b\n");
  Bench bench;
  bench.directory = folder.path();
  bench.ledger.command_reply = json{{"ok", true}, {"hypothesis", 5}};
  bench.ledger.answer_read = [](std::string_view view, const json&) -> json {
    if (view == "job") {
      return {{"spec", {{"resources", {{"gpus", 4}}}, {"time_limit_ms", 120000}}},
              {"experiments", {sample_summary(12)}}};
    }
    return {{"pairs", {{{"legs", {{{"arm", "baseline"}, {"window_us", 2'000'000}}}}}}}};
  };
  const auto spoken = bench.run({"propose", "-f", "idea.toml"});
  CHECK_THAT(spoken.out, Contains("H-5 is proposed") &&
                             Contains("6 pairs, about 0.0267 GPU-h, 24.0 s") &&
                             Contains("10 to 17 pairs"));
  CHECK(bench.ledger.commands[0].second["changes"][0]["value"] == "--- a\n+++ b\n");
}

TEST_CASE("a proposal that changes nothing sensible is refused", "[cli][propose]") {
  const amdahl::test::ScratchFolder folder;
  Bench bench;
  bench.directory = folder.path();
  struct Bad {
    const char* text;
    const char* said;
  };
  const auto bad =
      GENERATE(values<Bad>({{"job = \"x\"\n", "the change is empty"},
                            {"[arg]\na = 1\n", "idea.toml:1:1  job is missing"},
                            {"job = \"x\"\nargs = 1\n", "unknown key args"},
                            {"job = \"x\"\n[resource]\ngpu = 2\n", "idea.toml:1:1"},
                            {"job = \"x\"\npatch = \"absent.patch\"\n", "absent.patch"}}));
  folder.write("idea.toml", bad.text);
  const auto spoken = bench.run({"propose", "-f", "idea.toml"});
  CHECK(spoken.code != ExitCode::ok);
  CHECK_THAT(spoken.err, Contains(bad.said));
  CHECK(bench.ledger.commands.empty());
}
