#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/diagnosis/readings.hpp"

namespace {

void check(const amdahl::diagnosis::Reading& reading) {
  using amdahl::core::invariant;
  invariant(reading.value.has_value() == reading.problem.empty(), "a number, or why there is none");
  const auto units = amdahl::diagnosis::as_units(reading);
  invariant(!units.value || (std::isfinite(*units.value) && *units.value > 0),
            "units are finite and positive, or unknown");
}

}  // namespace

// The first line is what the job file declares, the rest is what the job wrote.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all{reinterpret_cast<const char*>(data), size};
  const auto end = all.find('\n');
  const std::string declared{all.substr(0, std::min<std::size_t>(end, 40))};
  const auto written = end == std::string_view::npos ? std::string_view{} : all.substr(end + 1);
  check(amdahl::diagnosis::read_by_regex(declared, written));
  check(amdahl::diagnosis::read_by_pointer(declared, written, "metrics.json"));
  return 0;
}
