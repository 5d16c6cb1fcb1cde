#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "amdahl/http/hook_signature.hpp"
#include "amdahl/http/message.hpp"

namespace amdahl::http::hooks {

enum class Proof {
  valid,
  missing,        ///< a header of the signature is not there
  repeated,       ///< one is there twice, so that two readers could differ
  malformed,      ///< an id or a timestamp that cannot be one
  bad_signature,  ///< no live secret made any of the signatures
  stale,          ///< authentic, but too old or too new
};

struct Verdict {
  Proof proof = Proof::missing;
  std::size_t secret = 0;      ///< which of the secrets, where one matched
  std::string id{};            ///< `webhook-id`
  std::int64_t timestamp = 0;  ///< Unix seconds
  std::string detail{};        ///< what is wrong, without anything secret
};

/// Checks the raw bytes of a body by Standard Webhooks: every secret with every `v1` signature, in
/// a time that does not tell which differs where. `now`: Unix seconds.
Verdict verify(const Fields& headers, std::string_view body, std::span<const std::string> secrets,
               std::int64_t now);

/// Whether two tokens are one, in a time that tells nothing about where they differ.
bool same_token(std::string_view left, std::string_view right);

/// The only header of that lower-case name; `count` is how often it is there.
struct HeaderRead {
  std::string_view value{};
  int count = 0;
};
HeaderRead read_header(const Fields& headers, std::string_view name);

}  // namespace amdahl::http::hooks
