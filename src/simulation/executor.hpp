#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "amdahl/core/clock.hpp"

namespace amdahl::simulation {

/// What a killed process unwinds with. No std::exception, so that nothing on the way mends it.
struct Killed {};

/// Runs programs one at a time in simulated time: each is a thread of its own that works only while
/// it holds the baton, and hands it on where it would wait. Same calls, same order, every time.
class Executor {
 public:
  using Time = core::BootTime;
  using Process = std::size_t;

  Executor();
  /// Kills what still runs and waits for its threads.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  Time now() const { return now_; }
  /// Calls `event` at that time, in between the programs.
  void at(Time when, std::function<void()> event);
  /// Starts a program now; it ends when `body` returns or lets Killed out.
  Process spawn(std::function<void()> body);
  /// Kills one where it waits (not the caller itself: that one throws Killed).
  void kill(Process process);
  bool ended(Process process) const;
  /// Kills all and waits for their threads; nothing can be started any more.
  void stop();

  /// Called by a program: lets `time` pass, in which others work. Throws Killed.
  void pass(Time time);

  /// Called by the owner: lets programs and events work until `done` or until `horizon`; answers
  /// whether it was `done`.
  bool run(Time horizon, std::function<bool()> done);

 private:
  struct Entry;
  struct Event {
    Time when;
    std::uint64_t order;
    std::function<void()> call;
  };
  static bool later(const Event& a, const Event& b);
  Entry& next_entry();
  void hand_on(Entry* self);
  void work(Entry& entry, const std::function<void()>& body);

  Time now_{0};
  bool stopping_ = false;
  std::uint64_t orders_ = 0;
  std::vector<Event> events_;                    ///< a heap, earliest first
  std::vector<std::unique_ptr<Entry>> entries_;  ///< 0 is the owner
  std::function<bool()> done_;
};

}  // namespace amdahl::simulation
