#pragma once

#include <filesystem>
#include <string>

#include "amdahl/core/result.hpp"

namespace amdahl::cli {

/// The first line of a file that only its owner and group may read.
core::Result<std::string> read_secret(const std::filesystem::path& file);

/// A whole file of at most `bytes_max`.
core::Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t bytes_max);

}  // namespace amdahl::cli
