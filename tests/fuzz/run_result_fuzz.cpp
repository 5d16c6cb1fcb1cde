#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/invariant.hpp"
#include "amdahl/core/run.hpp"

// Whatever a job leaves where its result should stand: an error, or a result that says the same
// when it is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl::core;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size}, "result");
  if (json.has_error()) return 0;
  const auto result = run_result_from_json(*json);
  if (result.has_error()) {
    invariant(!result.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  for (const auto& leg : result->legs) {
    invariant(leg.window_us >= 0 && leg.start_us >= 0, "times are not negative");
  }
  const auto text = canonical_json(to_json(*result));
  invariant(run_result_from_json(parse_json(text, "again").value()) == *result,
            "a result survives being written");
  return 0;
}
