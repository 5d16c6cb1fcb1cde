#pragma once

#include <array>
#include <string>
#include <string_view>

#include "amdahl/core/states.hpp"

namespace amdahl::stats {

/// What a veto gate says. Only `veto` kills a win; `hold` waits for the missing input.
enum class GateOutcome { pass, veto, hold, not_applicable };

/// The reading of one gate.
struct Gate {
  std::string_view name;  ///< static text, as shown: "quality", "total_cost", …
  GateOutcome outcome;
  std::string reason;  ///< one clause with the deciding numbers
  friend bool operator==(const Gate&, const Gate&) = default;
};

}  // namespace amdahl::stats

template <>
constexpr auto amdahl::core::words<amdahl::stats::GateOutcome>() {
  using enum amdahl::stats::GateOutcome;
  return std::to_array<Named<amdahl::stats::GateOutcome>>(
      {{pass, "pass"}, {veto, "veto"}, {hold, "hold"}, {not_applicable, "not_applicable"}});
}
