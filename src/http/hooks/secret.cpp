#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>

#include "amdahl/core/limits.hpp"
#include "amdahl/http/hook_secret.hpp"

namespace amdahl::http {

namespace {

// Strict: whole groups of four, padding at the end only, no bits left over.
std::optional<std::string> base64_bytes(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const auto padding = text.size() - 1 - text.find_last_not_of('=');
  if (padding > 2) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
  }
  if ((bits & ((1U << static_cast<unsigned>(count)) - 1U)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

core::Result<std::string> hook_secret(std::string_view text) {
  constexpr std::string_view prefix = "whsec_";
  constexpr auto hint = "make one with: echo whsec_$(openssl rand -base64 32)";
  if (!text.starts_with(prefix)) {
    return core::invalid_input("a webhook secret begins with whsec_", hint);
  }
  auto bytes = base64_bytes(text.substr(prefix.size()));
  if (!bytes) return core::invalid_input("a webhook secret is whsec_ and padded base64", hint);
  if (bytes->size() < core::limits::hook_secret_bytes_min ||
      bytes->size() > core::limits::hook_secret_bytes_max) {
    return core::invalid_input(fmt::format("a webhook secret has {} to {} bytes, this one {}",
                                           core::limits::hook_secret_bytes_min,
                                           core::limits::hook_secret_bytes_max, bytes->size()),
                               hint);
  }
  return *bytes;
}

core::Result<void> check_url_token(std::string_view text) {
  constexpr auto hint = "make one with: openssl rand -hex 24";
  if (text.size() < core::limits::hook_token_bytes_min ||
      text.size() > core::limits::hook_token_bytes_max) {
    return core::invalid_input("a URL token has 24 to 128 characters", hint);
  }
  const bool fits = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!fits) return core::invalid_input("a URL token is made of A-Z, a-z, 0-9, - and _", hint);
  return {};
}

}  // namespace amdahl::http
