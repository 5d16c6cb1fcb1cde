#pragma once

#include <filesystem>

#include "amdahl/core/job.hpp"
#include "amdahl/loop/view.hpp"

namespace amdahl::loop {

/// Jobs' code by content: what is registered stays as it was, however the working tree is edited.
/// A snapshot is written beside its place and renamed into it, so a killed copy leaves no half one.
class CodeStore {
 public:
  explicit CodeStore(std::filesystem::path root);

  /// Copies the files of `job.code` (or what git tracks below its workdir) unless they are here
  /// already. Errors name the file and the fix; bounded by limits::snapshot_*.
  core::Result<CodeSnapshot> snapshot(const core::JobSpec& job);

  /// Where a snapshot lies, or nothing.
  std::optional<std::filesystem::path> find(const std::string& digest) const;

 private:
  std::filesystem::path root_;
};

}  // namespace amdahl::loop
