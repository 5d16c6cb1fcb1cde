#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/diagnosis/events.hpp"

// Whatever the bytes: phases are finite, not negative and add up to the window; units are positive.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const diagnosis::EventWindow window{100, 110, 1'764'000'000};
  const auto summary = diagnosis::read_events(text, window);
  double sum = 0;
  for (const auto& [phase, seconds] : summary.phase_seconds) {
    core::invariant(!phase.empty() && phase.size() <= 42, "a phase has a short name");
    core::invariant(std::isfinite(seconds) && seconds >= 0, "a phase takes a finite time");
    sum += seconds;
  }
  core::invariant(std::abs(sum - window.seconds()) < 1e-6, "the phases are a partition");
  core::invariant(!summary.units || (std::isfinite(*summary.units) && *summary.units > 0),
                  "units are positive or unknown");
  core::invariant(!(summary.units && !summary.units_problem.empty()),
                  "known units have no problem");
  core::invariant(summary.inside_us.value_or(0) >= 0, "inside time is not negative");
  core::invariant(summary.garbage_lines <= summary.lines, "garbage is counted among the lines");
  for (const auto& [key, value] : summary.metrics) {
    core::invariant(!value || std::isfinite(*value), "a metric is finite or absent");
  }
  return 0;
}
