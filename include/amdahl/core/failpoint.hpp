#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "amdahl/core/failpoint_table.hpp"
#include "amdahl/core/result.hpp"

namespace amdahl::core {

/// The name of a failpoint that stands in the table: any other does not compile.
class FailpointName {
 public:
  // Implicit, so that a crossing reads `failpoint("engine.planned")`.
  consteval FailpointName(const char* name) : text_{name} {  // NOLINT(google-explicit-constructor)
    for (const auto& known : failpoints) {
      if (known.name == text_) return;
    }
    throw "this failpoint does not stand in failpoint_table.hpp";
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

namespace failpoint_internal {
inline std::atomic<bool> armed{false};
[[gnu::cold]] void cross(std::string_view name);
}  // namespace failpoint_internal

/// A boundary between an effect and its record. One relaxed load while nothing is armed.
inline void failpoint(FailpointName name) {
  if (failpoint_internal::armed.load(std::memory_order_relaxed)) [[unlikely]]
    failpoint_internal::cross(name.text());
}

/// What real programs obey: `name[@n][=kill|stop]`, the signal this process sends itself at the nth
/// crossing (the first, SIGKILL). Empty text arms nothing; an unknown name is an error.
Result<void> arm_failpoint(std::string_view text);
inline constexpr auto failpoint_variable = "AMDAHL_FAILPOINT";

/// What tests in one process obey: called at every crossing, by name; an empty one disarms. Set it
/// before other threads start.
void on_failpoint(std::function<void(std::string_view)> handler);

}  // namespace amdahl::core
