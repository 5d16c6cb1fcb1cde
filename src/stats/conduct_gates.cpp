#include "amdahl/stats/conduct_gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace amdahl::stats {

namespace {

constexpr std::string_view assignment_word = "assignment";
constexpr std::string_view clock_word = "clocks";

// Longer than its leg by this much no job can have run, whatever the clocks' rounding.
constexpr double clock_share_max = 0.01;
constexpr Seconds clock_slack{0.050};

std::string_view order(bool variant_first) {
  return variant_first ? "variant first" : "baseline first";
}

Gate assignment_veto(std::string reason) {
  return {assignment_word, GateOutcome::veto, std::move(reason)};
}

}  // namespace

Gate assignment(std::span<const AssignmentRecord> pairs) {
  if (pairs.empty()) return {assignment_word, GateOutcome::hold, "no pair is registered"};
  std::int64_t expected = 1;
  std::int64_t order_unknown = 0;
  for (const AssignmentRecord& pair : pairs) {
    if (pair.index != expected) {
      return assignment_veto(
          fmt::format("pair {} stands where pair {} should", pair.index, expected));
    }
    if (pair.fate == PairFate::unaccounted) {
      return assignment_veto(fmt::format("pair {} is not accounted for", pair.index));
    }
    if (pair.executed_variant_first && *pair.executed_variant_first != pair.coin_variant_first) {
      return assignment_veto(fmt::format("pair {} ran {}, its coin says {}", pair.index,
                                         order(*pair.executed_variant_first),
                                         order(pair.coin_variant_first)));
    }
    if (!pair.executed_variant_first && pair.fate == PairFate::complete) ++order_unknown;
    ++expected;
  }
  if (order_unknown > 0) {
    return {assignment_word, GateOutcome::hold,
            fmt::format("the executed order of {} of {} pairs is unknown", order_unknown,
                        pairs.size())};
  }
  return {assignment_word, GateOutcome::pass,
          fmt::format("{} pairs accounted for, all in the order of their coins", pairs.size())};
}

core::Result<Gate> clocks(std::span<const LegClock> legs) {
  std::size_t compared = 0;
  for (const LegClock& clock : legs) {
    const Seconds inside = clock.hello_to_bye.value_or(Seconds{0.0});
    if (!std::isfinite(clock.leg.count()) || clock.leg.count() < 0.0 ||
        !std::isfinite(inside.count()) || inside.count() < 0.0) {
      return core::invalid_input(fmt::format("a leg of {} s with {} s inside it is no measurement",
                                             clock.leg.count(), inside.count()));
    }
    if (!clock.hello_to_bye) continue;
    ++compared;
    const Seconds allowed = std::max(clock_share_max * clock.leg, clock_slack);
    if (inside - clock.leg > allowed) {
      return Gate{clock_word, GateOutcome::veto,
                  fmt::format("a job says {:.3f} s, its leg took {:.3f} s", inside.count(),
                              clock.leg.count())};
    }
  }
  if (compared == 0) {
    return Gate{clock_word, GateOutcome::not_applicable, "no leg sent events"};
  }
  return Gate{clock_word, GateOutcome::pass,
              fmt::format("job and leg agree on {} of {} legs, the others sent no events", compared,
                          legs.size())};
}

}  // namespace amdahl::stats
