#pragma once

#include <cstdint>
#include <ctime>

namespace amdahl::worker {

inline std::int64_t nanoseconds_on(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

/// What windows and deadlines are measured with.
inline std::int64_t monotonic_ns() { return nanoseconds_on(CLOCK_MONOTONIC); }

/// What this thread cost, without the time that others had the processor.
inline std::int64_t thread_cpu_ns() { return nanoseconds_on(CLOCK_THREAD_CPUTIME_ID); }

/// For records only.
inline std::int64_t wall_us() { return nanoseconds_on(CLOCK_REALTIME) / 1000; }

}  // namespace amdahl::worker
