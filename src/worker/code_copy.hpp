#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::worker {

/// Copies a snapshot of code: plain copies, because a leg may write into its own. Folders, plain
/// files with their permissions and links are copied; anything else is an error.
core::Result<void> copy_code(const std::filesystem::path& from, const std::filesystem::path& to);

/// Applies unified diffs, in order, to the files below `root`. Either all apply, or the error
/// names patch, file and hunk.
core::Result<void> patch_code(const std::filesystem::path& root,
                              const std::vector<std::string>& patches);

}  // namespace amdahl::worker
