#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target.hpp"

// Whatever a client sends as its target: taken apart or refused, and what is taken apart is safe.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl::http;
  const auto target = parse_target({reinterpret_cast<const char*>(data), size});
  if (!target) return 0;
  for (const auto& segment : target->segments) {
    const bool safe = !segment.empty() && segment != "." && segment != ".." && is_utf8(segment) &&
                      segment.find('/') == std::string::npos &&
                      segment.find('\0') == std::string::npos;
    if (!safe) std::abort();
  }
  for (const auto& [name, value] : target->query) {
    if (!is_utf8(name) || !is_utf8(value)) std::abort();
  }
  return 0;
}
