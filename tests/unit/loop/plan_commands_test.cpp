#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/snapshots.hpp"

using namespace amdahl;
using namespace amdahl::test;
using nlohmann::json;

namespace {

loop::Actions plan_for(std::string verb, json args, ledger::Snapshot snapshot = {}) {
  if (snapshot.jobs.empty()) snapshot.jobs = {some_job()};
  snapshot.commands = {{"key-1", std::move(verb), std::move(args)}};
  static CountingRandom random;  // each plan draws others: nothing may rest on the same dice
  return loop::plan(snapshot, some_view(), {}, random);
}

bool an_idea_answers(const loop::Actions& actions) {
  return std::any_of(actions.add_hypotheses.begin(), actions.add_hypotheses.end(),
                     [](const auto& idea) { return !idea.command.empty(); });
}

}  // namespace

TEST_CASE("a new job starts from its file's baseline", "[loop][commands]") {
  auto spec = some_job().spec;
  spec.name = "other";
  const auto actions = plan_for("add_job", {{"spec", core::to_json(spec)}});
  REQUIRE(actions.add_jobs.size() == 1);
  CHECK(actions.add_jobs[0].champion == core::baseline_configuration(spec));
  CHECK(actions.finish_commands.at(0).answer["ok"] == true);
}

TEST_CASE(
    "a job file that changed keeps what was won where it still applies, else says that it is gone",
    "[loop][commands]") {
  ledger::Snapshot snapshot;
  snapshot.jobs = {some_job()};
  snapshot.jobs[0].champion.args["workers"] = "2";
  snapshot.jobs[0].champion_moves = 1;
  auto spec = some_job().spec;
  spec.dataset = "new";
  SECTION("the knob is still there") {
    const auto actions = plan_for("add_job", {{"spec", core::to_json(spec)}}, snapshot);
    REQUIRE(actions.add_jobs.size() == 1);
    CHECK(actions.add_jobs[0].champion.args.at("workers") == "2");
    CHECK(actions.add_jobs[0].note.empty());
  }
  SECTION("the knob is gone") {
    spec.knobs.erase(spec.knobs.begin());
    const auto actions = plan_for("add_job", {{"spec", core::to_json(spec)}}, snapshot);
    REQUIRE(actions.add_jobs.size() == 1);
    CHECK(actions.add_jobs[0].note == "champion reset: the knob workers it rests on is gone");
  }
  SECTION("nothing changed") {
    const auto actions = plan_for("add_job", {{"spec", core::to_json(some_job().spec)}}, snapshot);
    CHECK(actions.add_jobs.empty());
    CHECK(actions.finish_commands.at(0).answer["changed"] == false);
  }
}

TEST_CASE("an image is refused where none runs", "[loop][commands]") {
  const auto actions =
      plan_for("propose",
               {{"job", "eval"}, {"changes", {{{"kind", "image"}, {"value", "registry/eval:2"}}}}});
  CHECK_FALSE(an_idea_answers(actions));
  const auto& answer = actions.finish_commands.at(0).answer;
  CHECK(answer["ok"] == false);
  CHECK(answer["error"].get<std::string>().find("runs no images") != std::string::npos);
}

TEST_CASE("a proposal that changes nothing is refused and changes nothing", "[loop][commands]") {
  const auto actions = plan_for(
      "propose",
      {{"job", "eval"}, {"changes", {{{"kind", "arg"}, {"name", "workers"}, {"value", "0"}}}}});
  CHECK_FALSE(an_idea_answers(actions));
  CHECK(actions.finish_commands.at(0).answer["error"] ==
        "the variant equals the baseline: nothing would be tested");
}

TEST_CASE("an idea carries the command that it answers", "[loop][commands]") {
  const auto actions = plan_for(
      "propose",
      {{"job", "eval"}, {"changes", {{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}}}});
  CHECK(actions.add_hypotheses.at(0).command == "key-1");
  CHECK(actions.finish_commands.empty());
}

TEST_CASE("a known idea answers with the old verdict", "[loop][commands]") {
  ledger::Snapshot snapshot;
  snapshot.jobs = {some_job()};
  snapshot.commands = {
      {"key-1",
       "propose",
       {{"job", "eval"}, {"changes", {{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}}}}}};
  auto view = some_view();
  view.known["key-1"] = {{"experiment", {{"name", "EXP-3"}, {"outcome", "refuted"}}},
                         {"near", nullptr}};
  CountingRandom random;
  const auto actions = loop::plan(snapshot, view, {}, random);
  CHECK_FALSE(an_idea_answers(actions));
  const auto& answer = actions.finish_commands.at(0).answer;
  CHECK(answer["known"] == true);
  CHECK(answer["experiment"]["name"] == "EXP-3");
}

TEST_CASE("a replicate needs a reason", "[loop][commands]") {
  const auto actions =
      plan_for("propose", {{"job", "eval"},
                           {"replicate", 1},
                           {"changes", {{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}}}});
  CHECK(actions.finish_commands.at(0).answer["error"] == "a replicate needs a reason");
}

TEST_CASE("commands that name nothing known are refused with where to look", "[loop][commands]") {
  CHECK(plan_for("approve", {{"hypothesis", 9}}).finish_commands.at(0).answer["code"] ==
        "not_found");
  CHECK(plan_for("abort", {{"experiment", 9}}).finish_commands.at(0).answer["code"] == "not_found");
  CHECK(plan_for("run_champion", {{"job", "none"}}).finish_commands.at(0).answer["code"] ==
        "not_found");
  CHECK(plan_for("dance", json::object()).finish_commands.at(0).answer["ok"] == false);
  CHECK(plan_for("pause", json::array()).finish_commands.at(0).answer["ok"] == false);
}

TEST_CASE("an experiment that changed since it was seen is not aborted", "[loop][commands]") {
  ledger::Snapshot snapshot;
  snapshot.experiments = {some_experiment()};
  snapshot.experiments[0].state = core::ExperimentState::refuting;
  const auto abort = [&](const char* seen) {
    return plan_for("abort", {{"experiment", 7}, {"if_match", seen}}, snapshot);
  };
  const auto refused = abort("\"exp-7.discovering.0\"");
  CHECK(refused.abort.empty());
  CHECK(refused.finish_commands.at(0).answer["code"] == "conflict");
  CHECK(abort("\"exp-7.refuting.0\"").abort.size() == 1);
  snapshot.experiments[0].abort_requested = true;
  CHECK(abort("\"exp-7.refuting.0\"").finish_commands.at(0).answer["code"] == "conflict");
}

TEST_CASE("a champion's run is the same run however often the command is read",
          "[loop][commands]") {
  const auto first = plan_for("run_champion", {{"job", "eval"}});
  const auto second = plan_for("run_champion", {{"job", "eval"}});
  REQUIRE(first.plan_production.size() == 1);
  CHECK(first.plan_production[0].spec.key == second.plan_production.at(0).spec.key);
  CHECK(first.plan_production[0].spec.legs.size() == 1);
}
