// A digest is 64 lower-case hexadecimal digits, the same each time, whatever the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/sha256.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace amdahl::core;
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  const auto digits = hex(sha256(text));
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  invariant(digits.size() == 64 && std::all_of(digits.begin(), digits.end(), is_digit),
            "64 hexadecimal digits");
  invariant(digits == hex(sha256(text)), "the same digest again");
  return 0;
}
