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

// Kept as bytes, so that no header names libcrypto.
static_assert(sizeof(SHA256_CTX) == 112 && alignof(SHA256_CTX) <= 8);

Sha256::Sha256() { SHA256_Init(reinterpret_cast<SHA256_CTX*>(context_.data())); }

void Sha256::add(std::string_view text) {
  SHA256_Update(reinterpret_cast<SHA256_CTX*>(context_.data()), text.data(), text.size());
}

std::array<std::uint8_t, 32> Sha256::digest() {
  std::array<std::uint8_t, 32> out{};
  SHA256_Final(out.data(), reinterpret_cast<SHA256_CTX*>(context_.data()));
  return out;
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
