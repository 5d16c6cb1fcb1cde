#pragma once

#include <chrono>
#include <cstdint>

namespace amdahl::core {

/// Wall time, for people and records only; no decision compares two hosts' wall clocks.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// Time since boot, suspend included: what leases and deadlines are measured with.
using BootTime = std::chrono::duration<std::int64_t, std::micro>;

/// The one source of time. The system's is made in `cli`, a simulated one in tests.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() = 0;
  virtual BootTime since_boot() = 0;
};

/// The one source of randomness; seeded and logged.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

}  // namespace amdahl::core
