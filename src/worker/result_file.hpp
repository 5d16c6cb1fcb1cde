#pragma once

#include <filesystem>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {

/// `result.json` to come. Its space is reserved before any work, so that a disk which a leg fills
/// cannot cost the measurement.
class ResultFile {
 public:
  static core::Result<ResultFile> reserve(const std::filesystem::path& path);

  /// Puts the result in place: written, fsynced, renamed. May be repeated after an error. The
  /// directory may have been moved meanwhile.
  core::Result<void> commit(std::string_view content);

 private:
  std::filesystem::path path_;
  run_files::UniqueFd directory_, file_;
};

}  // namespace amdahl::worker
