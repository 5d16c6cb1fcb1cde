#pragma once

#include <chrono>

#include "amdahl/loop/engine.hpp"

namespace amdahl::loop {

/// How long to pause after a cycle. Holds only how long nothing has changed.
class Pace {
 public:
  struct Intervals {
    /// Between looks while runs are live, unless their scheduler is asked more rarely.
    std::chrono::milliseconds busy{100};
    std::chrono::milliseconds idle{1000};
  };

  explicit Pace(Intervals intervals) : intervals_{intervals} {}

  std::chrono::milliseconds after(const CycleReport& report);

  void idle_every(std::chrono::milliseconds interval) { intervals_.idle = interval; }

 private:
  Intervals intervals_;
  std::chrono::milliseconds ending_pause_{0};
};

}  // namespace amdahl::loop
