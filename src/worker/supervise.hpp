#pragma once

#include <chrono>
#include <cstdint>

#include "child.hpp"
#include "interrupts.hpp"
#include "output.hpp"

namespace amdahl::worker {

/// How a leg's process ended.
struct Ending {
  int status = 0;            ///< as waitpid gives it
  std::int64_t exit_ns = 0;  ///< monotonic
  bool timed_out = false;    ///< the limit passed, and it was told to stop
  bool cancelled = false;    ///< told to stop from outside
  std::int64_t peak_memory_bytes = 0;
};

/// Waits for the child: drains its output, ends it at the limit (0 = none) or when cancelled,
/// politely first. Nothing of the leg lives when this returns.
Ending supervise(Child& child, BoundedOutput& output, BoundedOutput& error,
                 std::chrono::milliseconds limit, Interrupts& interrupts);

}  // namespace amdahl::worker
