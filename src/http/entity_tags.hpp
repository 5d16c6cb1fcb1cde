#pragma once

#include <string_view>

namespace amdahl::http {

/// Whether `If-Match` of this value lets pass what has the tag `current` now (RFC 9110 §13.1.1):
/// `*`, or a list of tags with `current` in it. A weak tag is never it, and what is no such list
/// lets nothing pass.
bool if_match_holds(std::string_view value, std::string_view current);

}  // namespace amdahl::http
