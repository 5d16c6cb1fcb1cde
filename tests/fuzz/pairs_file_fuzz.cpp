#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "pairs_file.hpp"

// Whatever the bytes: costs that can be judged, or an error that names the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto pairs = amdahl::cli::parse_pairs(text, "pairs.csv");
  if (pairs.has_error()) {
    amdahl::core::invariant(pairs.error().message.starts_with("pairs.csv"),
                            "an error names its file");
    return 0;
  }
  for (const auto& pair : *pairs) {
    amdahl::core::invariant(std::isfinite(pair.baseline) && pair.baseline > 0 &&
                                std::isfinite(pair.variant) && pair.variant > 0,
                            "costs are finite and positive");
  }
  return 0;
}
