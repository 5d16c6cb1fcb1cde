#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace amdahl::core {

/// A whole decimal number without sign or blanks that fits; nothing else.
std::optional<std::int64_t> parse_whole(std::string_view text);

/// `512MiB`, `2GiB`, `1.5GB` or plain bytes; nothing for anything else or an overflow.
std::optional<std::int64_t> parse_bytes(std::string_view text);

/// `250ms`, `30s`, `2m`, `12h`, `7d`; nothing for anything else, zero or an overflow.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

std::string format_bytes(std::int64_t bytes);                     ///< `1.5 GiB`
std::string format_duration(std::chrono::milliseconds duration);  ///< `2m 30s`

}  // namespace amdahl::core
