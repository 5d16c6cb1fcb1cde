#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace amdahl::core {

/// SHA-256 (FIPS 180-4) of the bytes of `text`.
std::array<std::uint8_t, 32> sha256(std::string_view text);

/// Lower-case hexadecimal, two digits a byte.
std::string hex(std::span<const std::uint8_t> bytes);

}  // namespace amdahl::core
