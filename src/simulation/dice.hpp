#pragma once

#include <cstdint>
#include <string_view>

#include "amdahl/core/clock.hpp"

namespace amdahl::simulation {

/// The one source of chance of a schedule (splitmix64). Streams are forked by name, so that a draw
/// added to one moves no other.
class Dice final : public core::Random {
 public:
  explicit Dice(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() override {
    state_ += 0x9E3779B97F4A7C15U;
    return mixed(state_);
  }

  Dice fork(std::string_view name) const {
    auto seed = state_ ^ 0xCBF29CE484222325U;
    for (const char c : name) seed = mixed(seed ^ static_cast<unsigned char>(c));
    return Dice{seed};
  }

  /// True with this probability.
  bool chance(double probability) {
    return static_cast<double>(next() >> 11U) * 0x1p-53 < probability;
  }

  /// Uniform in [low, high]; the bias of the modulus does not matter here.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    const auto span = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(next() % span);
  }

  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace amdahl::simulation
