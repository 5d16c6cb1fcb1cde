#pragma once

#include <chrono>
#include <functional>

#include "amdahl/loop/engine.hpp"
#include "amdahl/loop/pace.hpp"

namespace amdahl::loop {

/// Drives cycles: leads when it may, waits when it must, survives a ledger that goes and comes
/// back.
class Runner {
 public:
  enum class Until { stopped, nothing_left, one_cycle };
  enum class End {
    stopped,
    nothing_left,  ///< nothing is under way and nothing can start by itself
    cycled,        ///< one_cycle: done, work remains
    not_leading,   ///< one_cycle: somebody else leads
  };
  struct Options {
    Pace::Intervals pace;
    std::chrono::milliseconds retry_interval{1000};  ///< while the ledger does not answer
    std::chrono::milliseconds leader_patience{0};    ///< one_cycle: how long to wait for the lease
    /// Told of each cycle that was led; null when it failed. Must not throw.
    std::function<void(const CycleReport*)> on_cycle{};
  };

  Runner(Engine& engine, Leadership& leadership, core::Clock& clock, Options options,
         std::function<void(std::string_view, const nlohmann::json&)> log);

  /// Runs until `until`. `wait` sleeps at most that long and answers false when asked to stop.
  /// Throws what cannot heal by itself: ledger::SchemaMismatch, and ledger::Refused three times in
  /// a row.
  End run(Until until, const std::function<bool(std::chrono::milliseconds)>& wait);

  /// From the next pause on.
  void idle_every(std::chrono::milliseconds interval) { pace_.idle_every(interval); }

  const CycleReport& last() const { return last_; }

 private:
  struct Step {
    std::optional<End> end;
    std::chrono::milliseconds pause{0};
  };
  Step step(Until until);
  CycleReport lead(const ledger::Lease& lease);
  Step follow(Until until, core::BootTime since);
  void lost(std::string_view event, std::string_view why);
  void tell_unseen();

  Engine& engine_;
  Leadership& leadership_;
  core::Clock& clock_;
  Options options_;
  std::function<void(std::string_view, const nlohmann::json&)> log_;
  Pace pace_;
  CycleReport last_;
  std::map<std::string, std::string> unseen_;  ///< as it was logged
  core::BootTime started_{0};
  int refused_ = 0;
  std::int64_t leading_ = 0;  ///< the fence that was logged; 0 while following
  bool following_logged_ = false;
};

}  // namespace amdahl::loop
