#include "amdahl/core/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/sha256.hpp"

namespace amdahl::core {

RunKey make_run_key(const std::array<std::uint8_t, 16>& uuid, int attempt) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648, lower case
  std::string text = "al-";
  unsigned buffer = 0;
  int bits = 0;
  for (const auto byte : uuid) {
    buffer = (buffer << 8U) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >> static_cast<unsigned>(bits)) & 31U];
    }
  }
  text += alphabet[(buffer << static_cast<unsigned>(5 - bits)) & 31U];
  return {fmt::format("{}-{}", text, attempt)};
}

bool is_run_key(std::string_view text) {
  if (text.size() < 31 || text.size() > 32 || !text.starts_with("al-") || text[29] != '-')
    return false;
  const auto base32 = text.substr(3, 26);
  const auto attempt = text.substr(30);
  const auto in_alphabet = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::all_of(base32.begin(), base32.end(), in_alphabet) &&
         std::all_of(attempt.begin(), attempt.end(), is_digit) && attempt.front() != '0';
}

std::string worker_run_id(std::string_view adapter, std::string_view cluster, const RunKey& key) {
  return fmt::format("{}/{}/{}", adapter, cluster, key.text);
}

std::string spec_sha(const RunSpec& spec) {
  auto identity = to_json(spec);
  identity.erase("witness");   // where the ledger stood says nothing about what runs
  identity.erase("code_dir");  // where a copy lies neither; the digest is what counts
  return hex(sha256(canonical_json(identity)));
}

}  // namespace amdahl::core
