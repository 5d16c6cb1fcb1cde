#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string_view>

#include "amdahl/core/result.hpp"

namespace amdahl::worker {

/// What takes one line without its end; false ends the reading.
using LineTaker = std::function<bool(std::string_view)>;

/// Reads a plain file line by line in a fixed amount of memory, at most `bytes_max` of it. A line
/// longer than a piece arrives in pieces; `torn` gets a last line that has no end.
core::Result<void> read_lines(const std::filesystem::path& path, std::size_t bytes_max,
                              const LineTaker& take, const LineTaker& torn);

/// The same from the last line to the first.
core::Result<void> read_lines_backwards(const std::filesystem::path& path, std::size_t bytes_max,
                                        const LineTaker& take);

}  // namespace amdahl::worker
