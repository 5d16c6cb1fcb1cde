#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/clock.hpp"

namespace amdahl::scheduler_adapters {

/// A program to run: no shell, nothing inherited but what stands here.
struct Program {
  std::vector<std::string> words;  ///< the first one is looked for in PATH of `environment`
  std::map<std::string, std::string> environment;
};

struct Ran {
  enum class End {
    exited,
    not_started,  ///< it could not be executed: provably nothing happened
    too_late,     ///< killed at the deadline, with all that it had started
    too_much,     ///< killed when its output passed the bound
    unwanted,     ///< killed when its listener had enough
  } end = End::not_started;
  int status = -1;     ///< when it exited; 128 + signal when it was killed by somebody else
  std::string output;  ///< standard output
  std::string error;   ///< standard error, or why it could not be started
};

/// Runs it to its end, at most until the deadline. It dies with this thread's process, so that
/// nothing of it acts when nobody listens any more.
Ran run_program(const Program& program, std::chrono::milliseconds deadline, core::Clock& clock);

/// The same for output of any size: `listener` takes it in pieces, of which none is kept, and says
/// whether it wants more. What it throws goes through, once the program is dead.
using OutputListener = std::function<bool(std::string_view piece)>;
Ran run_program(const Program& program, std::chrono::milliseconds deadline, core::Clock& clock,
                const OutputListener& listener);

}  // namespace amdahl::scheduler_adapters
