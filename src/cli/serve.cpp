#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "event_log.hpp"
#include "notify.hpp"
#include "reload.hpp"
#include "report.hpp"
#include "service_doors.hpp"
#include "services.hpp"
#include "stop_guard.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

// Together the stop takes well under 5 s, on a busy machine too: what is not answered then is asked
// again of the next service.
constexpr std::chrono::milliseconds doors_close_within{2'500};
constexpr std::chrono::milliseconds stop_within{3'500};

// What the service manager and SIGHUP have to do with the loop, whose thread calls it; `log`,
// `stopping` and `leave` are for any.
class Life {
 public:
  Life(Context& context, Config config)
      : context_{context},
        running_{std::move(config)},
        file_{open_log(context.env, log_level_of(running_))},
        hangups_{context.env.hangups()},
        notifier_{context.env, event_log_of(file_)} {}

  EventLog log() {
    return [this](std::string_view event, const json& fields) {
      if (event.starts_with("ledger_")) troubled_ = true;
      if (event == "ledger_unavailable") notifier_.status("the ledger does not answer");
      if (event == "following") leader_ = fields.value("leader", "");
      file_->event(event, fields);
    };
  }

  // Asked again and again in a pause of the loop: it is alive.
  bool disturbed() {
    notifier_.alive();
    return context_.env.interrupted() || context_.env.hangups() != hangups_;
  }

  void moved() { notifier_.alive(); }

  // The loop's first step is done once it pauses, whoever leads.
  void pausing(bool leads) {
    if (!std::exchange(ready_, true)) notifier_.ready();
    if (!troubled_.exchange(false))
      notifier_.status(leads ? std::string{"leading"} : "following " + leader_);
  }

  std::optional<Config> reload(ServiceDoors& doors) {
    const int hangups = context_.env.hangups();
    if (std::exchange(hangups_, hangups) == hangups) return std::nullopt;
    notifier_.reloading();
    auto config = take_over(doors);
    notifier_.ready();
    return config;
  }

  void stopping() {
    if (!stopping_.exchange(true)) notifier_.stopping();
  }

  // Once, also where the loop ends in the moment in which it is no longer waited for.
  void stopped(const json& fields) {
    const std::lock_guard lock{stopped_mutex_};
    if (!std::exchange(stopped_, true)) file_->event("stopped", fields);
  }

  // Nothing is lost: a service may die at any moment, and the next one reads the ledger.
  [[noreturn]] void leave() {
    stopped({{"waited_for_nothing_more", true}});
    ::_exit(static_cast<int>(ExitCode::ok));
  }

 private:
  std::optional<Config> take_over(ServiceDoors& doors) {
    auto reload = read_reload(context_.env, context_.options, running_);
    if (!reload) return failed(reload.error());
    // What may still fail comes before anything is changed.
    if (const auto done = doors.reload(reload->config); !done) return failed(done.error());
    const auto before = log_level_of(running_);
    running_ = reload->config;
    const json fields{{"changed", reload->changed}, {"needs_restart", reload->needs_restart}};
    const auto level = log_level_of(running_);
    file_->set_level(std::min(level, before));  // it is told before the log grows quiet
    file_->event("reloaded", fields);
    file_->set_level(level);
    return running_;
  }

  std::nullopt_t failed(const core::Error& error) {
    json problems = json::array();
    for (std::size_t start = 0; start <= error.message.size();) {
      const auto end = std::min(error.message.find('\n', start), error.message.size());
      problems.push_back(error.message.substr(start, end - start));
      start = end + 1;
    }
    file_->event("reload_failed", {{"problems", problems}, {"hint", error.hint}});
    return std::nullopt;
  }

  Context& context_;
  Config running_;
  std::shared_ptr<telemetry::Log> file_;  // of open_log, for the level
  int hangups_;                           ///< obeyed so far
  Notifier notifier_;
  std::atomic<bool> troubled_{false};
  std::atomic<bool> stopping_{false};
  std::mutex stopped_mutex_;
  bool stopped_ = false;
  std::string leader_ = "nobody";
  bool ready_ = false;
};

Drive drive_of(Life& life, ServiceDoors& doors) {
  Drive drive;
  drive.log = life.log();
  drive.pause = [&](std::chrono::milliseconds time, bool leads) {
    life.pausing(leads);
    doors.set_leading(leads);
    return doors.waker().pause(time, leads);
  };
  drive.reload = [&] { return life.reload(doors); };
  auto& metrics = doors.metrics();
  drive.on_write = [&](std::chrono::microseconds took) {
    life.moved();
    metrics.ledger_write(took);
  };
  drive.on_proved = [&] { metrics.ledger_verified(); };
  drive.on_cycle = [&](const loop::CycleReport* report) {
    using telemetry::CycleOutcome;
    doors.set_waiting(report == nullptr ? std::vector<std::string>{} : report->waiting);
    if (report == nullptr) return metrics.cycle(CycleOutcome::failed, std::nullopt);
    metrics.cycle(report->acted ? CycleOutcome::acted : CycleOutcome::idle,
                  telemetry::CycleTimes{report->look, report->plan, report->perform});
  };
  return drive;
}

ExitCode run_serve(Context& context, const Args& args) {
  const auto config = context.services.configuration();
  if (!config) return report(context.env, config.error());
  auto url = context.services.ledger_url();
  if (!url) return report(context.env, url.error());
  Life life{context, *config};
  const StopGuard guard{context.env,
                        {stop_within, [&] { life.stopping(); }, [&] { life.leave(); }}};
  const auto doors =
      ServiceDoors::open(context, *config, *url, life.log(), [&] { return life.disturbed(); });
  if (!doors) return report(context.env, doors.error());
  auto drive = drive_of(life, **doors);
  drive.observe = args.has("observe");
  const auto driven = context.services.drive(drive);
  life.stopping();  // the guard may not have looked yet
  (*doors)->close(doors_close_within);
  if (!driven) return report(context.env, driven.error());
  life.stopped(json::object());
  return ExitCode::ok;
}

}  // namespace

Command serve_command() {
  return {"serve",
          "run the loop: lead when nobody does, follow else; answer over HTTP; SIGHUP reads the "
          "configuration anew",
          "  amdahl serve\n  amdahl --config ./amdahl.toml serve --observe",
          {},
          {{"--observe", "", "only measure and propose; start no trial"}},
          run_serve,
          {}};
}

}  // namespace amdahl::cli
