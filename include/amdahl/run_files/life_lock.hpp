#pragma once

#include <filesystem>
#include <optional>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::run_files {

/// The exclusive lock that a shim holds for life. The kernel drops it at death, whatever the pid
/// is used for afterwards. An open-file-description lock: looking at it does not take it.
class LifeLock {
 public:
  /// Nothing when somebody else holds it.
  static core::Result<std::optional<LifeLock>> try_take(const std::filesystem::path& file);

 private:
  explicit LifeLock(UniqueFd fd) : fd_{std::move(fd)} {}
  UniqueFd fd_;
};

/// Whether anybody holds it now. A file that does not exist is not locked.
core::Result<bool> is_locked(const std::filesystem::path& file);

}  // namespace amdahl::run_files
