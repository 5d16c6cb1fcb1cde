#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "amdahl/core/result.hpp"

namespace amdahl::core {

/// RFC 8785: sorted keys, no white space, numbers as ECMAScript prints them. Throws nothing; NaN
/// and infinities, which JSON cannot say, become null.
std::string canonical_json(const nlohmann::json& value);

/// Parses JSON from outside: at most 64 levels deep, no duplicate keys, valid UTF-8.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view place);

}  // namespace amdahl::core
