#include "amdahl/core/sha256.hpp"

// The plain functions, not EVP: those draw all of libcrypto, dlopen and sockets included, into the
// static amdahl-run.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace amdahl::core {

std::array<std::uint8_t, 32> sha256(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, text.data(), text.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 0xfU];
  }
  return text;
}

}  // namespace amdahl::core
