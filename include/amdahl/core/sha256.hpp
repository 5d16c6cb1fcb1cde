#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace amdahl::core {

/// SHA-256 (FIPS 180-4) of the bytes of `text`.
std::array<std::uint8_t, 32> sha256(std::string_view text);

/// The same of text that comes in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view text);
  /// Of all that was added; nothing may follow.
  std::array<std::uint8_t, 32> digest();

 private:
  static constexpr std::size_t context_bytes = 112;  ///< libcrypto's SHA256_CTX
  alignas(8) std::array<unsigned char, context_bytes> context_{};
};

/// Lower-case hexadecimal, two digits a byte.
std::string hex(std::span<const std::uint8_t> bytes);

}  // namespace amdahl::core
