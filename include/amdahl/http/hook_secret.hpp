#pragma once

#include <string>
#include <string_view>

#include "amdahl/core/result.hpp"

namespace amdahl::http {

/// The bytes of `whsec_…`, as Standard Webhooks writes a secret.
core::Result<std::string> hook_secret(std::string_view text);

/// A URL token is 24 to 128 of A-Z a-z 0-9 - _, so that it stands in a path as it is.
core::Result<void> check_url_token(std::string_view text);

}  // namespace amdahl::http
