#pragma once

#include <string>
#include <string_view>

namespace amdahl::http::hooks {

/// `webhook-signature` of a delivery under one secret (its bytes): `v1,` and base64 of the
/// HMAC-SHA256 of `id.timestamp.body`, as Standard Webhooks has it.
struct Signed {
  std::string_view id;
  std::string_view timestamp;
  std::string_view body;
};
std::string sign(const Signed& delivery, std::string_view secret);

}  // namespace amdahl::http::hooks
