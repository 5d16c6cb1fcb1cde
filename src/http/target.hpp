#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/http/message.hpp"

namespace amdahl::http {

/// A request target taken apart: RFC 3986 origin form, nothing else.
struct Target {
  std::string path;                   ///< as sent
  std::vector<std::string> segments;  ///< decoded; UTF-8, no control characters, never empty
  Fields query;                       ///< decoded; each name once
};

/// Refuses what is no plain path below `/`: dot segments, empty segments, encoded slashes and
/// zeros, text that is no UTF-8, more than `parameters_max` parameters.
core::Result<Target> parse_target(std::string_view target);

bool is_utf8(std::string_view text);

}  // namespace amdahl::http
