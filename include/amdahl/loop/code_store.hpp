#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "amdahl/core/job.hpp"
#include "amdahl/loop/view.hpp"

namespace amdahl::loop {

/// Jobs' code by content: what is registered stays as it was, however the working tree is edited.
class CodeStore {
 public:
  virtual ~CodeStore() = default;

  /// Copies the files of `job.code` (or what git tracks below its workdir) unless they are here
  /// already. Errors name the file and the fix; bounded by limits::snapshot_*.
  virtual core::Result<CodeSnapshot> snapshot(const core::JobSpec& job) = 0;

  /// Where a snapshot lies, or nothing.
  virtual std::optional<std::filesystem::path> find(const std::string& digest) const = 0;
};

/// Snapshots as folders below `root`, each written beside its place and renamed into it, so a
/// killed copy leaves no half one.
class FileCodeStore final : public CodeStore {
 public:
  explicit FileCodeStore(std::filesystem::path root);

  core::Result<CodeSnapshot> snapshot(const core::JobSpec& job) override;
  std::optional<std::filesystem::path> find(const std::string& digest) const override;

 private:
  std::filesystem::path root_;
};

}  // namespace amdahl::loop
