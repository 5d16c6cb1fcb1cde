#include <catch2/catch.hpp>

#include "fake_services.hpp"
#include "golden.hpp"
#include "sample_documents.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

TEST_CASE("status says what runs, what waits and what next", "[cli][status]") {
  Bench bench;
  bench.ledger.views["status"] = sample_status();
  const auto spoken = bench.run({"status"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out == golden("status.txt", spoken.out));
}

TEST_CASE("status of an empty ledger names the first step", "[cli][status]") {
  auto status = sample_status();
  status["loop"] = {{"state", "no_leader"}, {"holder", nullptr}};
  status["jobs"] = 0;
  status["open"] = status["awaiting"] = json::array();
  for (const auto* counts : {"experiments", "hypotheses", "runs", "verdicts"})
    status[counts] = json::object();
  Bench bench;
  bench.ledger.views["status"] = status;
  const auto spoken = bench.run({"status"});
  CHECK(spoken.out == golden("status-empty.txt", spoken.out));
}

TEST_CASE("status asks the plan why nothing moves when no run is under way", "[cli][status]") {
  auto status = sample_status();
  status["runs"] = json{{"running", 0}};
  status["awaiting"] = json::array();
  Bench bench;
  bench.ledger.views["status"] = status;
  bench.waiting = {"EXP-13: budget: 24 GPU-hours a day are used up"};
  CHECK_THAT(bench.run({"status"}).out, Contains("budget: 24 GPU-hours a day are used up"));
  const auto document = json::parse(bench.run({"status", "--json"}).out);
  CHECK(document["waiting"][0]["reason"] == bench.waiting[0]);
  CHECK(document["loop"]["state"] == "running");
}

TEST_CASE("experiments are listed in every form", "[cli][experiments]") {
  Bench bench;
  bench.ledger.views["experiments"] = {{"schema", "amdahl.experiments/v1"},
                                       {"experiments", {sample_running(), sample_summary(12)}},
                                       {"next_cursor", "experiments-12"}};
  const auto table = bench.run({"experiments"});
  CHECK(table.out == golden("experiments.txt", table.out));
  CHECK(table.err == "more: --cursor experiments-12\n");
  const auto csv = bench.run({"experiments", "-o", "csv", "--columns", "experiment,standing"});
  CHECK(csv.out == "experiment,standing\nEXP-13,discovering\nEXP-12,✔ win\n");
  CHECK(csv.err.empty());
  const auto lines = bench.run({"experiments", "-o", "jsonl"}).out;
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  CHECK(json::parse(bench.run({"experiments", "--json"}).out)["experiments"][1]["saving"] == 0.118);
}

TEST_CASE("filters reach the ledger", "[cli][experiments]") {
  Bench bench;
  json asked;
  bench.ledger.answer_read = [&](std::string_view, const json& args) {
    asked = args;
    return json{{"experiments", json::array()}, {"next_cursor", nullptr}};
  };
  const auto spoken = bench.run({"experiments", "--job", "a", "--outcome", "win", "--limit", "7",
                                 "--cursor", "experiments-3"});
  CHECK(asked == json{{"job", "a"}, {"outcome", "win"}, {"limit", 7}, {"cursor", "experiments-3"}});
  CHECK_THAT(spoken.out, Contains("no experiments yet"));
}

TEST_CASE("the bank shows what was banked, spent and is left", "[cli][bank]") {
  Bench bench;
  auto document = sample_status()["bank"];
  document["schema"] = "amdahl.bank/v1";
  document["entries"] = {{{"entry", 1},
                          {"experiment", 12},
                          {"name", "EXP-12"},
                          {"gpu_hours", 64.4},
                          {"direction", "credit"},
                          {"period", "2026-11-21"},
                          {"note", "run al-x-1"},
                          {"at", "2026-11-21T10:00:00Z"}}};
  bench.ledger.views["bank"] = document;
  const auto spoken = bench.run({"bank"});
  CHECK(spoken.out == golden("bank.txt", spoken.out));
}

TEST_CASE("unknown numbers are called unknown in the ranking", "[cli][rank]") {
  Bench bench;
  bench.ledger.views["rank"] = {{"jobs",
                                 {{{"job", "a"},
                                   {"cluster", "local"},
                                   {"runs_per_month", 1200},
                                   {"gpu_hours_per_month", 500.0},
                                   {"waste_gpu_hours_per_month", 320.5},
                                   {"largest_phase", "input"},
                                   {"ceiling", 2.5},
                                   {"explained_share", 0.97},
                                   {"next", "EXP-13 discovering"}},
                                  {{"job", "b"},
                                   {"cluster", "local"},
                                   {"runs_per_month", nullptr},
                                   {"gpu_hours_per_month", nullptr},
                                   {"waste_gpu_hours_per_month", nullptr},
                                   {"largest_phase", nullptr},
                                   {"ceiling", nullptr},
                                   {"explained_share", nullptr},
                                   {"next", nullptr}}}}};
  const auto spoken = bench.run({"rank"});
  CHECK(spoken.out == golden("rank.txt", spoken.out));
}

TEST_CASE("what does not exist is not found", "[cli]") {
  Bench bench;
  CHECK(bench.run({"explain", "EXP-99"}).code == ExitCode::not_found);
  CHECK_THAT(bench.run({"champion", "nobody"}).err, Contains("no job is called \"nobody\""));
}

TEST_CASE("broken infrastructure ends with its own exit code", "[cli]") {
  Bench bench;
  bench.ledger.answer_read = [](std::string_view, const json&) -> json {
    throw amdahl::ledger::Unavailable{"connection refused"};
  };
  const auto spoken = bench.run({"status"});
  CHECK(spoken.code == ExitCode::unreachable);
  CHECK_THAT(spoken.err, Contains("the ledger does not answer: connection refused"));
  bench.ledger.answer_read = [](std::string_view, const json&) -> json {
    throw std::runtime_error{"surprise"};
  };
  CHECK(bench.run({"status"}).code == ExitCode::bug);
  bench.ledger.answer_read = [](std::string_view, const json&) -> json {
    throw amdahl::ledger::Refused{"x is no outcome", "22023"};
  };
  CHECK(bench.run({"experiments", "--outcome", "x"}).code == ExitCode::usage);
}

TEST_CASE("wait's exit code says which verdict it was", "[cli][wait]") {
  struct Verdict {
    const char* outcome;
    ExitCode code;
  };
  const auto verdict = GENERATE(values<Verdict>({{"win", ExitCode::ok},
                                                 {"refuted", ExitCode::refuted},
                                                 {"no_effect", ExitCode::refuted},
                                                 {"inconclusive", ExitCode::inconclusive},
                                                 {"provisional", ExitCode::inconclusive},
                                                 {"void", ExitCode::void_}}));
  Bench bench;
  int reads = 0;
  bench.ledger.answer_read = [&](std::string_view, const json&) {
    if (++reads < 3) return sample_running();
    auto done = sample_summary(13);
    done["outcome"] = verdict.outcome;
    return done;
  };
  CHECK(bench.run({"wait", "EXP-13"}).code == verdict.code);
  CHECK(reads == 3);
}

TEST_CASE("wait gives up at its timeout and when aborted", "[cli][wait]") {
  Bench bench;
  bench.ledger.views["experiment"] = sample_running();
  CHECK(bench.run({"wait", "13", "--timeout", "5s"}).code == ExitCode::timed_out);
  auto aborted = sample_running();
  aborted["state"] = "aborted";
  bench.ledger.views["experiment"] = aborted;
  CHECK(bench.run({"wait", "13"}).code == ExitCode::aborted);
}

TEST_CASE("schema prints every schema it lists", "[cli][schema]") {
  Bench bench;
  std::istringstream names{bench.run({"schema"}).out};
  std::string name;
  int count = 0;
  while (std::getline(names, name)) {
    CAPTURE(name);
    const auto document = json::parse(bench.run({"schema", name}).out);
    CHECK(document["$id"] == "amdahl." + name + "/v1");
    ++count;
  }
  CHECK(count > 0);
  CHECK(bench.run({"schema", "amdahl.judge/v1"}).out == bench.run({"schema", "judge"}).out);
  CHECK_THAT(bench.run({"schema", "juge"}).err, Contains("did you mean judge?"));
}
