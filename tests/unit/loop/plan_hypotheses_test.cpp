#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/snapshots.hpp"

using namespace amdahl;
using namespace amdahl::test;

namespace {

const std::vector<core::Change> workers{{core::ChangeKind::arg, "workers", "2"}};
const std::vector<core::Change> gpus{{core::ChangeKind::resource, "gpus", "2"}};

}  // namespace

TEST_CASE("a job's noise is measured before anything is proposed", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.jobs[0].sigma0.reset();
  const auto actions = scene.plan();
  REQUIRE(actions.register_.size() == 1);
  CHECK(actions.register_[0].protocol.kind == core::ExperimentKind::canary);
  CHECK(actions.register_[0].protocol.baseline == actions.register_[0].protocol.variant);
  CHECK(actions.add_hypotheses.empty());
}

TEST_CASE("each knob value becomes one hypothesis, with the ceiling of its phase",
          "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.jobs[0].phase_share = std::map<std::string, double>{{"input", 0.5}};
  const auto actions = scene.plan();
  REQUIRE(actions.add_hypotheses.size() == 2);
  CHECK(actions.add_hypotheses[0].changes == workers);
  CHECK(actions.add_hypotheses[0].ceiling == Approx(2));
  CHECK(actions.add_hypotheses[1].ceiling == Approx(2));  // half of the GPUs
  REQUIRE(actions.proposed.size() == 1);
  scene.snapshot.jobs[0].proposed_for = actions.proposed[0].proposed_for;
  CHECK(scene.plan().add_hypotheses.empty());
}

TEST_CASE("an unknown phase has an unknown ceiling", "[loop][hypotheses]") {
  Scene scene;
  CHECK_FALSE(scene.plan().add_hypotheses.at(0).ceiling.has_value());
}

TEST_CASE("after the champion moved only other resources are a new question",
          "[loop][hypotheses]") {
  Scene scene;
  auto& job = scene.snapshot.jobs[0];
  job.proposed_for = "before";
  job.champion_moves = 1;
  job.champion.args["workers"] = "4";
  const auto actions = scene.plan();
  REQUIRE(actions.add_hypotheses.size() == 1);
  CHECK(actions.add_hypotheses[0].changes == gpus);
}

TEST_CASE("the largest attackable share is tried first and only one trial of a job is open",
          "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.jobs[0].phase_share = std::map<std::string, double>{{"input", 0.3}};
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input"),
                               some_hypothesis(4, gpus, "over")};
  const auto actions = scene.plan();
  REQUIRE(actions.register_.size() == 1);
  CHECK(actions.register_[0].hypothesis.value == 4);
  scene.snapshot.experiments = {some_experiment()};
  CHECK(scene.plan().register_.empty());
}

TEST_CASE("a registered protocol has five checks of at least three kinds, none with a majority",
          "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  const auto checks = scene.plan().register_.at(0).protocol.checks;
  REQUIRE(checks.size() == 5);
  std::map<core::CheckKind, int> count;
  for (const auto& check : checks) ++count[check.kind];
  CHECK(count.size() >= 3);
  for (const auto& [kind, n] : count) CHECK(n <= 2);
  CHECK(count[core::CheckKind::scale] == 1);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    for (std::size_t j = i + 1; j < checks.size(); ++j) CHECK_FALSE(checks[i] == checks[j]);
  }
}

TEST_CASE("a later replication is a kind of check of its own and stands last",
          "[loop][hypotheses]") {
  Scene scene;
  scene.settings.later = std::chrono::hours{12};
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  SECTION("beside three other kinds") {}
  SECTION("as the third kind") {
    scene.snapshot.jobs[0].spec.command = {"run", "{workers}", "{length}"};
  }
  const auto checks = scene.plan().register_.at(0).protocol.checks;
  REQUIRE(checks.size() == 5);
  CHECK(checks.back().kind == core::CheckKind::later_replication);
  CHECK(checks.back().delay_s == 12 * 3600);
  std::map<core::CheckKind, int> count;
  for (const auto& check : checks) ++count[check.kind];
  CHECK(count.size() >= 3);
  for (const auto& [kind, n] : count) CHECK(n <= 2);
}

TEST_CASE("more kinds than checks still make an odd number of checks", "[loop][hypotheses]") {
  Scene scene;
  scene.settings.checks = 3;
  scene.settings.later = std::chrono::hours{12};
  scene.view.clusters["local"].caps.several_node_sets = true;
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  CHECK(scene.plan().register_.at(0).protocol.checks.size() == 3);
}

TEST_CASE("what cannot be refuted here is rejected with what to add", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.jobs[0].spec.command = {"run", "{workers}", "{seed}"};
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  const auto actions = scene.plan();
  CHECK(actions.register_.empty());
  REQUIRE(actions.reject.size() == 1);
  CHECK(actions.reject[0].reason ==
        "cannot be refuted here: 2 kinds of check, three are needed; let the job's command take "
        "{length}");
}

TEST_CASE("an image change is rejected where no image runs, for it would be the baseline",
          "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.hypotheses = {
      some_hypothesis(3, {{core::ChangeKind::image, "", "registry/eval:2"}}, "input")};
  const auto rejected = scene.plan();
  REQUIRE(rejected.reject.size() == 1);
  CHECK(rejected.reject[0].reason.starts_with("a cluster of kind local runs no images"));
  scene.view.clusters["local"].caps.runs_images = true;
  CHECK(scene.plan().register_.size() == 1);
}

TEST_CASE("a patch that no longer fits the code is rejected with its place", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  scene.view.unfit.emplace(core::HypothesisId{3},
                           core::invalid_input("loader.py:7 does not match"));
  const auto actions = scene.plan();
  CHECK(actions.register_.empty());
  REQUIRE(actions.reject.size() == 1);
  CHECK(actions.reject[0].reason == "loader.py:7 does not match");
}

TEST_CASE("a change that the champion has already is rejected", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.jobs[0].champion.args["workers"] = "2";
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  CHECK(scene.plan().reject.size() == 1);
}

TEST_CASE("what can never run here is rejected, what waits for room is not", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.hypotheses = {
      some_hypothesis(3, {{core::ChangeKind::resource, "gpus", "8"}}, "over")};
  const auto actions = scene.plan();
  REQUIRE(actions.reject.size() == 1);
  CHECK(actions.reject[0].reason.starts_with("can never run here: capacity"));
}

TEST_CASE("a hypothesis waits while its cluster cannot be seen, and the plan says why",
          "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  auto& cluster = scene.view.clusters.at("local");
  cluster.capacity.reset();
  cluster.unseen = "partition nowhere has no nodes";
  const auto actions = scene.plan();
  CHECK(actions.reject.empty());
  CHECK(actions.register_.empty());
  REQUIRE_FALSE(actions.waiting.empty());
  CHECK(actions.waiting.front() ==
        "job eval: cluster local cannot be seen: partition nowhere has no nodes");
}

TEST_CASE("approval patterns hold a knob back and say which command lets it go",
          "[loop][hypotheses]") {
  Scene scene;
  scene.settings.approval = {"resource:*"};
  const auto actions = scene.plan();
  CHECK_FALSE(actions.add_hypotheses.at(0).needs_approval);
  CHECK(actions.add_hypotheses.at(1).needs_approval);
  auto waiting = some_hypothesis(4, gpus, "over");
  waiting.state = core::HypothesisState::awaiting_approval;
  scene.snapshot.hypotheses = {waiting};
  scene.snapshot.jobs[0].proposed_for = actions.proposed.at(0).proposed_for;
  const auto later = scene.plan();
  CHECK(later.register_.empty());
  CHECK_FALSE(later.work_remains);
  CHECK(later.waiting ==
        std::vector<std::string>{"hypothesis 4 waits for approval: amdahl approve 4"});
}

TEST_CASE("an idea that waits for a person waits unless a person who may approve has it",
          "[loop][hypotheses]") {
  Scene scene;
  scene.settings.approval = {"arg:work*"};
  const auto waits = [&](const nlohmann::json& more, const char* kind = "arg") {
    nlohmann::json args{{"job", "eval"},
                        {"source", "human"},
                        {"changes", {{{"kind", kind}, {"name", "workers"}, {"value", "2"}}}}};
    args.update(more);
    scene.snapshot.commands = {{"key-1", "propose", args}};
    const auto actions = scene.plan();
    for (const auto& idea : actions.add_hypotheses) {
      if (idea.command == "key-1") return idea.needs_approval;
    }
    FAIL("the idea was not taken");
    return false;
  };
  CHECK(waits(nlohmann::json::object()));
  CHECK(waits({{"may_approve", false}}));
  CHECK(waits({{"may_approve", "yes"}}));
  CHECK(waits({{"may_approve", true}, {"source", "agent"}}));
  CHECK_FALSE(waits({{"may_approve", true}}));
  CHECK_FALSE(waits(nlohmann::json::object(), "env"));
}

TEST_CASE("pause starts nothing new", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.paused = true;
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  CHECK(scene.plan().register_.empty());
  scene.snapshot.hypotheses.clear();
  scene.snapshot.experiments = {some_experiment()};
  CHECK(scene.plan().open_pairs.empty());
}

TEST_CASE("pairs open within capacity and budget, and the plan says which of them is short",
          "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.experiments = {some_experiment()};
  SECTION("capacity: one run needs all GPUs") { CHECK(scene.plan().open_pairs.size() == 1); }
  SECTION("budget: both legs to their limit do not fit") {
    scene.settings.gpu_hours_per_day = 0.1;
    const auto actions = scene.plan();
    CHECK(actions.open_pairs.empty());
    REQUIRE(actions.waiting.size() == 1);
    CHECK(actions.waiting[0].starts_with("EXP-7: budget"));
  }
  SECTION("budget: the GPUs of all nodes count, also those that only the other arm needs") {
    auto& protocol = scene.snapshot.experiments.front().protocol;
    protocol.baseline.resources = {2, 8, 2, 1 << 20};
    protocol.variant.resources = {1, 8, 1, 1 << 20};
    scene.snapshot.jobs.front().champion = protocol.baseline;
    scene.view.clusters["local"].capacity = scheduler_adapters::Capacity{64, 64, 1LL << 40, ""};
    const auto legs_hours = 2 * static_cast<double>(protocol.job.time_limit.count()) / 3.6e6;
    scene.settings.gpu_hours_per_day = 16 * legs_hours * 0.99;
    CHECK(scene.plan().open_pairs.empty());
    scene.settings.gpu_hours_per_day = 16 * legs_hours * 1.01;
    const auto actions = scene.plan();
    const auto& opened = actions.open_pairs;
    INFO((actions.waiting.empty() ? "" : actions.waiting.front()));
    REQUIRE(opened.size() == 1);
    CHECK(opened[0].gpu_us_reserved == Approx(16 * legs_hours * 3600e6));
  }
  SECTION("in-flight spend counts") {
    scene.settings.gpu_hours_per_day = 0.2;
    scene.snapshot.gpu_us_reserved = 0.1 * 3600e6;
    CHECK(scene.plan().open_pairs.empty());
  }
}

TEST_CASE("tests use their share of a cluster, of which one run always fits",
          "[loop][hypotheses]") {
  Scene scene;
  auto experiment = some_experiment();
  const auto gpus_of_a_run = GENERATE(1, 3);
  experiment.protocol.baseline.resources = {1, gpus_of_a_run, 1, 1 << 20};
  experiment.protocol.variant.resources = experiment.protocol.baseline.resources;
  scene.snapshot.experiments = {experiment};
  scene.snapshot.jobs.front().champion = experiment.protocol.baseline;
  scene.settings.fleet_share = 0.5;  // two of four GPUs
  auto& room = scene.view.clusters["local"].capacity;
  room->cpus = 100;
  const auto actions = scene.plan();
  CHECK(actions.open_pairs.size() == (gpus_of_a_run == 1 ? 2 : 1));
  scene.settings.fleet_share = 1;
  if (gpus_of_a_run == 1) CHECK(scene.plan().open_pairs.size() > 2);
}

TEST_CASE("who only observes measures and proposes, and starts no trial", "[loop][hypotheses]") {
  Scene scene;
  scene.settings.observe_only = true;
  scene.snapshot.hypotheses = {some_hypothesis(3, workers, "input")};
  const auto actions = scene.plan();
  CHECK(actions.register_.empty());
  CHECK(actions.waiting == std::vector<std::string>{"observing only: no trial is started"});
  scene.snapshot.jobs[0].sigma0.reset();  // its noise is no trial
  CHECK(scene.plan().register_.size() == 1);
}

TEST_CASE("the same snapshot gives the same plan", "[loop][hypotheses]") {
  Scene scene;
  scene.snapshot.experiments = {some_experiment()};
  CountingRandom again;
  const auto first = scene.plan();
  const auto second = loop::plan(scene.snapshot, scene.view, scene.settings, again);
  REQUIRE(first.open_pairs.size() == 1);
  CHECK(first.open_pairs[0].run_key == second.open_pairs[0].run_key);
}
