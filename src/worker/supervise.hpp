#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "child.hpp"
#include "interrupts.hpp"
#include "output.hpp"

namespace amdahl::worker {

/// How a leg's process ended.
struct Ending {
  int status = 0;            ///< as waitpid gives it
  std::int64_t exit_ns = 0;  ///< monotonic
  bool timed_out = false;    ///< the limit passed, and it was told to stop
  bool cancelled = false;    ///< told to stop from outside, or together with its shim
  std::int64_t peak_memory_bytes = 0;
};

/// One way to end a child, and how long after being told to stop it is used.
struct StopWord {
  std::chrono::milliseconds after{0};
  std::function<void()> say;
};

/// To its process group: SIGTERM, after the grace SIGKILL.
std::vector<StopWord> signals_to(const Child& child);

/// Waits for the child: drains its output, ends it at the limit (0 = none) or when cancelled, one
/// word after the other. Nothing of the leg lives on this machine when this returns.
Ending supervise(Child& child, BoundedOutput& output, BoundedOutput& error,
                 std::chrono::milliseconds limit, Interrupts& interrupts,
                 const std::vector<StopWord>& stop_words);

}  // namespace amdahl::worker
