#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/stats/coin.hpp"
#include "support/loop_stand.hpp"

using namespace amdahl;
using namespace amdahl::test;
using nlohmann::json;

namespace {

json experiments_of(LoopStand::Service& service) {
  return service.ledger->read("experiments", {{"limit", 200}})["experiments"];
}

json only_trial(LoopStand::Service& service) {
  json found;
  for (const auto& row : experiments_of(service)) {
    if (row["kind"] != "trial") continue;
    REQUIRE(found.is_null());
    found = service.ledger->read("experiment", {{"experiment", row["experiment"]}});
  }
  REQUIRE(found.is_object());
  return found;
}

// Every leg of every run executed once, counted by the job itself, outside ledger and run folder.
void check_executed_once(const LoopStand& stand) {
  std::map<std::string, int> by_key_and_pace;
  std::map<std::string, std::set<std::string>> paces;
  for (const auto& line : stand.executions()) {
    const auto key = line.substr(0, line.find(' '));
    ++by_key_and_pace[line.substr(0, line.rfind(' '))];
    paces[key].insert(line);
  }
  REQUIRE_FALSE(by_key_and_pace.empty());
  for (const auto& [key, lines] : paces) {
    CAPTURE(key);
    CHECK(lines.size() <= 2);
  }
  // In an A/A pair both legs have the same pace: twice there, once in a trial.
  for (const auto& [key_and_pace, count] : by_key_and_pace) {
    CAPTURE(key_and_pace);
    CHECK(count <= 2);
  }
}

void check_coins(const json& experiment) {
  const auto salt = experiment["verdict"]["salt"].get<std::string>();
  REQUIRE_FALSE(salt.empty());
  for (const auto& pair : experiment["pairs"]) {
    const auto index = pair["index"].get<std::int64_t>();
    CAPTURE(index);
    const auto id = "exp-" + std::to_string(experiment["experiment"].get<int>());
    const bool variant_first = stats::variant_first({id, salt}, index);
    CHECK(pair["coin"] == (variant_first ? 1 : 0));
    if (pair["state"] == "complete") {
      CHECK(pair["ran_first"] == (variant_first ? "variant" : "baseline"));
    }
  }
}

}  // namespace

TEST_CASE("a threefold effect goes from nothing to a win that moves the champion",
          "[loop][integration]") {
  LoopStand stand;
  auto service = stand.service();
  REQUIRE(stand.command(*service, "add_job", {{"spec", core::to_json(stand.threefold())}})["ok"] ==
          true);
  stand.run_until_idle(*service);

  const auto trial = only_trial(*service);
  CAPTURE(trial.dump(1).substr(0, 4000));
  CHECK(trial["outcome"] == "win");
  CHECK(trial["saving"].get<double>() > 0.5);
  CHECK(trial["upholds"].get<int>() >= 3);
  CHECK(trial["pairs_complete"].get<int>() >= 10);
  check_coins(trial);
  check_executed_once(stand);
  const auto job = service->ledger->read("job", {{"name", "threefold"}});
  CHECK(job["champion"]["args"]["pace"] == "fast");
  CHECK(service->ledger->read("verify", json::object())["ok"] == true);
}

TEST_CASE("nothing decided is tried again, and a known idea answers with its verdict",
          "[loop][integration]") {
  LoopStand stand;
  auto service = stand.service();
  stand.command(*service, "add_job", {{"spec", core::to_json(stand.threefold())}});
  stand.run_until_idle(*service);
  const auto executed = stand.executions().size();
  const auto again = stand.service(2);
  stand.run_until_idle(*again);
  CHECK(stand.executions().size() == executed);
  CHECK(experiments_of(*again).size() == 2);  // the A/A pairs and the trial

  const json change{{{"kind", "arg"}, {"name", "pace"}, {"value", "fast"}}};
  const auto answer = stand.command(
      *again, "propose", {{"job", "threefold"}, {"changes", change}, {"source", "human"}});
  CAPTURE(answer.dump());
  CHECK(answer["known"] == true);
  CHECK(answer["experiment"]["outcome"] == "win");
}

TEST_CASE("a champion that ran as production credits the bank once", "[loop][integration]") {
  LoopStand stand;
  auto service = stand.service();
  stand.command(*service, "add_job", {{"spec", core::to_json(stand.threefold())}});
  stand.run_until_idle(*service);
  REQUIRE(service->ledger->read("bank", json::object())["banked_gpu_hours"] == 0.0);
  REQUIRE(stand.command(*service, "run_champion", {{"job", "threefold"}})["ok"] == true);
  stand.run_until_idle(*service);
  const auto bank = service->ledger->read("bank", json::object());
  CAPTURE(bank.dump());
  CHECK(bank["banked_gpu_hours"].get<double>() > 0);
  CHECK(bank["spent_gpu_hours"].get<double>() > bank["banked_gpu_hours"].get<double>());
  CHECK(bank["entries"].size() == 1);
}

TEST_CASE("each cycle is told with the time of its phases, and a failed one as failed",
          "[loop][integration]") {
  LoopStand stand;
  std::vector<std::optional<loop::CycleReport>> told;
  stand.on_cycle = [&](const loop::CycleReport* report) {
    told.push_back(report == nullptr ? std::nullopt : std::optional{*report});
  };
  const auto once = [](LoopStand::Service& service) {
    service.runner.run(loop::Runner::Until::one_cycle, [](auto) { return false; });
  };
  auto service = stand.service();
  stand.command(*service, "add_job", {{"spec", core::to_json(stand.threefold())}});
  REQUIRE(!told.empty());
  REQUIRE(told.front());
  CHECK(told.front()->acted);
  CHECK(told.front()->look.count() > 0);
  CHECK(told.front()->perform.count() > 0);
  told.clear();
  auto other = stand.service(2);
  once(*other);
  REQUIRE(told.size() == 1);
  CHECK(told.front());
  once(*service);  // does not know yet that another one leads
  REQUIRE(told.size() == 2);
  CHECK_FALSE(told.back());
}

TEST_CASE("two one-GPU jobs run side by side", "[loop][integration]") {
  // More GPUs than one job has runs at once.
  LoopStand stand{16, 16};
  auto service = stand.service();
  // Each run waits until both jobs were seen: on a busy machine the first may end before the other
  // job begins.
  const auto seen = stand.count_file().string() + "-seen";
  const auto wait = "until [ -e '" + seen + "' ]; do sleep 0.02; done; exec sh job.sh \"$@\"";
  for (const auto* name : {"one", "two"}) {
    auto spec = stand.threefold(name);
    spec.command = {"sh", "-c", wait, "wait", "{pace}", "{seed}", "{shard}", "{length}"};
    stand.command(*service, "add_job", {{"spec", core::to_json(spec)}});
  }
  std::size_t side_by_side = 0;
  const auto deadline = ::time(nullptr) + 60;
  const auto end = service->runner.run(loop::Runner::Until::nothing_left, [&](auto) {
    std::set<std::int64_t> experiments;
    for (const auto& run : service->ledger->read_snapshot().live_runs) {
      if (run.state == core::RunState::running) experiments.insert(run.experiment.value);
    }
    side_by_side = std::max(side_by_side, experiments.size());
    return side_by_side < 2 && ::time(nullptr) < deadline;
  });
  std::ofstream{seen} << "yes\n";
  CHECK(side_by_side == 2);
  CHECK(end == loop::Runner::End::stopped);
}

namespace {

// One process of the service, killed by SIGKILL at its nth failpoint. Answers whether it was
// killed.
bool run_and_kill(LoopStand& stand, std::uint64_t seed, int crossings) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int left = crossings;
    core::on_failpoint([&](std::string_view) {
      if (--left == 0) ::kill(::getpid(), SIGKILL);
    });
    try {
      auto service = stand.service(seed);
      const auto deadline = ::time(nullptr) + 60;
      const auto end = service->runner.run(loop::Runner::Until::nothing_left, [&](auto pause) {
        // tidy: allow(sleep-in-test): the runner's own pause
        ::usleep(static_cast<useconds_t>(pause.count() * 1000));
        return ::time(nullptr) < deadline;
      });
      ::_exit(end == loop::Runner::End::nothing_left ? 0 : 3);
    } catch (const std::exception& problem) {
      fmt::print(stderr, "process {}: {}\n", crossings, problem.what());
      ::_exit(4);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return true;
  REQUIRE(WEXITSTATUS(status) == 0);
  return false;
}

}  // namespace

TEST_CASE("killed at every boundary between an effect and its record, the loop ends the same",
          "[loop][integration]") {
  LoopStand stand;
  {
    auto service = stand.service();
    stand.command(*service, "add_job", {{"spec", core::to_json(stand.threefold())}});
    service->leadership.release();
  }
  int kills = 0;
  // The nth process dies at its nth failpoint: over one experiment each is hit, most
  // often.
  for (int n = 1; run_and_kill(stand, static_cast<std::uint64_t>(n) + 100, n); ++n) {
    REQUIRE(++kills < 500);
  }
  CHECK(kills > 20);
  auto service = stand.service(7);
  const auto trial = only_trial(*service);
  CHECK(trial["outcome"] == "win");
  check_coins(trial);
  check_executed_once(stand);
  CHECK(service->ledger->read("verify", json::object())["ok"] == true);
}
