#pragma once

#include <time.h>

#include <random>

#include "amdahl/core/clock.hpp"

namespace amdahl::test {

/// The system's clocks, for tests of real processes.
class RealClock final : public core::Clock {
 public:
  core::WallTime now() override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
  core::BootTime since_boot() override {
    timespec at{};
    ::clock_gettime(CLOCK_BOOTTIME, &at);
    return std::chrono::duration_cast<core::BootTime>(std::chrono::seconds{at.tv_sec} +
                                                      std::chrono::nanoseconds{at.tv_nsec});
  }
};

/// Seeded; tests that run processes of their own give each another seed.
class SeededRandom final : public core::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_{seed} {}
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace amdahl::test
