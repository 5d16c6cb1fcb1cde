#include "schedule.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "amdahl/loop/runner.hpp"
#include "invariants.hpp"
#include "seam_adapter.hpp"
#include "seam_ledger.hpp"

namespace amdahl::simulation {
namespace {

using namespace std::chrono_literals;
using Time = Executor::Time;

constexpr Time without_progress_max = 60s;  // some hundred quiet cycles
constexpr Time after_rewind = 20s;  // a rewound ledger waits for a person: long enough to see
constexpr Time horizon = 3h;
constexpr std::uint64_t seams_min = 120;  // every schedule is at least so long
constexpr std::uint64_t calls_per_cycle = 30;
constexpr double us_per_gpu_hour = 3600e6;

class OneSnapshot final : public loop::CodeStore {
 public:
  core::Result<loop::CodeSnapshot> snapshot(const core::JobSpec&) override {
    return loop::CodeSnapshot{std::string(64, 'c'), "/code", 1};
  }
  std::optional<std::filesystem::path> find(const std::string&) const override { return "/code"; }
};

void log_nothing(std::string_view, const nlohmann::json&) {}

/// A host on which the service is started again whenever it died.
struct Host {
  std::string name;
  HostClock clock;
  int starts = 0;
  bool idle = false;  ///< it leads and found nothing left to do, in calm weather
};

/// One schedule under way.
class Schedule {
 public:
  Schedule(std::uint64_t seed, const std::vector<Fault>* again);
  ScheduleResult run();

 private:
  static Weather weather_of(Dice dice);
  void ask_for_work(Dice dice, bool with_knobs);
  void ask(Time when, const std::string& verb, nlohmann::json args);
  void start(Host& host);
  void serve(Host& host);
  bool after_step(Host& host, Program& program, const loop::Runner& runner,
                  std::uint64_t& calls_before);
  bool at_rest();

  Dice dice_;
  Weather weather_;
  World world_;
  loop::Settings settings_;
  HostClock database_clock_;
  Dice salts_;
  OneSnapshot code_;
  std::vector<std::unique_ptr<Host>> hosts_;
  int asked_ = 0;
  std::int64_t progress_seq_ = -1;
  Time progress_at_{0};
  std::optional<Time> calm_at_;
};

Weather Schedule::weather_of(Dice dice) {
  Weather weather;
  weather.rate = 0.01 * static_cast<double>(dice.between(1, 8));
  weather.calm_from = static_cast<std::uint64_t>(dice.between(100, 400));
  weather.failover = dice.chance(0.08);
  weather.ledger_faults = dice.chance(0.8);
  weather.scheduler_faults = dice.chance(0.8);
  return weather;
}

FaultPlan plan_of(Dice dice, const Weather& weather, const std::vector<Fault>* again) {
  return again == nullptr ? FaultPlan{dice.fork("faults"), weather} : FaultPlan{*again, weather};
}

Truth truth_of(Dice dice) {
  auto stream = dice.fork("truth");
  const bool with_knobs = stream.chance(0.4);
  return draw_truth(stream, with_knobs);
}

Schedule::Schedule(std::uint64_t seed, const std::vector<Fault>* again)
    : dice_{seed},
      weather_{weather_of(dice_.fork("weather"))},
      world_{dice_.fork("world"), plan_of(dice_, weather_, again), truth_of(dice_)},
      database_clock_{world_.executor, 0, 0},
      salts_{dice_.fork("salts")} {
  auto stream = dice_.fork("setting");
  settings_.canary_pairs = 3;
  settings_.pairs_max = 8;
  settings_.concurrent_runs = static_cast<int>(stream.between(2, 8));
  if (stream.chance(0.2)) {
    const auto pairs = static_cast<double>(stream.between(4, 40));
    settings_.gpu_hours_per_day = pairs * 20e6 / us_per_gpu_hour;
    world_.budget_gpu_us = settings_.gpu_hours_per_day * us_per_gpu_hour;
  }
  const int hosts = stream.chance(0.6) ? 2 : 1;
  for (int i = 0; i < hosts; ++i) {
    hosts_.push_back(std::make_unique<Host>(Host{
        fmt::format("host-{}", i + 1), HostClock{world_.executor, stream.between(0, 1'000'000'000),
                                                 stream.between(-60'000'000, 60'000'000)}}));
  }
  world_.scheduler.on_released = [this](const NativeJob& job) { check_released(world_, job); };
  ask_for_work(dice_.fork("commands"), !world_.truth.knobs.empty());
}

void Schedule::ask(Time when, const std::string& verb, nlohmann::json args) {
  const auto key = fmt::format("command-{}", ++asked_);
  world_.executor.at(when, [this, key, verb, args = std::move(args)] {
    MemoryLedger client{world_.ledger, database_clock_, salts_};
    client.put_command(key, verb, args);
  });
}

// What people and programs ask of the loop while all this happens.
void Schedule::ask_for_work(Dice dice, bool with_knobs) {
  const auto job = simulated_job(world_.truth, "sim-job");
  ask(0s, "add_job", {{"spec", core::to_json(job)}});
  const auto some_time = [&] { return Time{dice.between(100'000, 20'000'000)}; };
  const int champions = static_cast<int>(dice.between(0, with_knobs ? 2 : 3));
  for (int i = 0; i < champions; ++i) ask(some_time(), "run_champion", {{"job", "sim-job"}});
  if (dice.chance(0.25))
    ask(some_time(), "abort", {{"experiment", dice.between(1, 3)}, {"reason", "simulated"}});
  if (dice.chance(0.2)) {
    const auto from = some_time();
    ask(from, "pause", {{"reason", "simulated"}});
    ask(from + 3s, "resume", nlohmann::json::object());
  }
  if (with_knobs && dice.chance(0.3)) {
    const nlohmann::json idea{{"kind", "arg"}, {"name", "alpha"}, {"value", "1"}};
    ask(some_time(), "propose", {{"job", "sim-job"}, {"changes", {idea}}});
    ask(some_time() + 20s, "propose", {{"job", "sim-job"}, {"changes", {idea}}});
  }
  if (dice.chance(0.15)) {
    auto changed = job;
    changed.env["SIMULATED"] = "1";
    ask(some_time(), "add_job", {{"spec", core::to_json(changed)}});
  }
  // An aborted A/A leaves the job paused until a person adds it again.
  ask(50s, "add_job", {{"spec", core::to_json(job)}});
}

void Schedule::start(Host& host) {
  ++host.starts;
  world_.executor.spawn([this, &host] {
    try {
      serve(host);
    } catch (const Killed&) {
      host.idle = false;
      auto pause = dice_.fork(fmt::format("{}/{}", host.name, host.starts));
      world_.executor.at(world_.executor.now() + Time{pause.between(10'000, 3'000'000)},
                         [this, &host] { start(host); });
      throw;
    } catch (const std::exception& error) {
      world_.breaks("the service goes on", fmt::format("{} ended: {}", host.name, error.what()));
    }
  });
}

void Schedule::serve(Host& host) {
  Program program{world_, host.clock, fmt::format("{}:{}", host.name, host.starts), "",
                  world_.ledger_epoch};
  SeamLedger ledger{program, database_clock_, salts_};
  SeamAdapter adapter{program};
  auto random = dice_.fork(program.name);
  loop::Engine engine{{ledger, {&adapter}, code_, random, settings_, log_nothing}};
  loop::Leadership::Options leading;
  leading.ttl = lease_ttl;
  leading.holder = program.name;
  loop::Leadership leadership{ledger, host.clock, random, leading};
  loop::Runner::Options pace;
  pace.pace.busy = 100ms;
  loop::Runner runner{engine, leadership, host.clock, pace, log_nothing};
  std::uint64_t calls_before = 0;
  runner.run(loop::Runner::Until::stopped, [&](std::chrono::milliseconds pause) {
    if (!after_step(host, program, runner, calls_before)) return false;
    world_.executor.pass(std::max<Time>(pause, Time{100}));
    return true;
  });
}

bool Schedule::after_step(Host& host, Program& program, const loop::Runner& runner,
                          std::uint64_t& calls_before) {
  const auto calls = program.calls - calls_before;
  calls_before = program.calls;
  // A cycle costs a fixed number of calls and some for each run that is under way, whatever lies
  // behind it.
  const auto outstanding = static_cast<std::uint64_t>(settings_.concurrent_runs) + 8;
  if (calls > calls_per_cycle + 4 * outstanding) {
    world_.breaks("a cycle costs what is outstanding",
                  fmt::format("{} made {} calls in one cycle", program.name, calls));
  }
  host.idle = program.leads() && world_.faults.calm() && !runner.last().work_remains;
  return !world_.broken;
}

bool Schedule::at_rest() {
  if (world_.broken) return true;
  if (!world_.faults.calm()) return false;
  const auto now = world_.executor.now();
  if (!calm_at_) calm_at_ = now;
  if (world_.lossy && now - *calm_at_ > after_rewind) return true;
  if (world_.ledger.head.head_seq != progress_seq_ || world_.scheduler.busy()) {
    progress_seq_ = world_.ledger.head.head_seq;
    progress_at_ = now;
  }
  const bool idle =
      std::any_of(hosts_.begin(), hosts_.end(), [](const auto& host) { return host->idle; });
  const bool asked = now > 60s;
  if (idle && asked && world_.ledger.live_runs.empty() && world_.ledger.open_commands.empty() &&
      !world_.scheduler.busy() && world_.faults.seams() >= seams_min)
    return true;
  if (now - progress_at_ > without_progress_max && asked && !world_.lossy && !idle) {
    world_.breaks(
        "the loop gets on",
        fmt::format("nothing happened for {} s, {} runs are live, {} jobs at the scheduler",
                    (now - progress_at_).count() / 1'000'000, world_.ledger.live_runs.size(),
                    world_.scheduler.jobs().size()));
    return true;
  }
  return false;
}

ScheduleResult Schedule::run() {
  for (auto& host : hosts_) {
    world_.executor.at(Time{dice_.between(0, 500'000)}, [this, &host = *host] { start(host); });
  }
  if (!world_.executor.run(horizon, [this] { return at_rest(); }))
    world_.breaks("the loop gets on", "it did not come to rest in three hours");
  world_.executor.stop();  // what still runs refers to members of this
  if (!world_.broken) check_at_rest(world_);
  return {world_.crashes,           world_.stalls, world_.faults.seams(), world_.broken,
          world_.faults.happened(), world_.trace};
}

}  // namespace

ScheduleResult run_schedule(std::uint64_t seed) { return Schedule{seed, nullptr}.run(); }

ScheduleResult run_schedule(std::uint64_t seed, const std::vector<Fault>& faults) {
  return Schedule{seed, &faults}.run();
}

}  // namespace amdahl::simulation
