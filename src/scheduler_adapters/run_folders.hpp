#pragma once

#include <filesystem>
#include <string>

#include "amdahl/core/result.hpp"
#include "amdahl/core/run.hpp"

namespace amdahl::scheduler_adapters {

/// The directories of a cluster's runs: below `live` until the ledger holds a run's end, then below
/// `done`.
class RunFolders {
 public:
  /// Creates both below `root`; what cannot be created is said by whatever uses it.
  explicit RunFolders(const std::filesystem::path& root);

  const std::filesystem::path& live() const { return live_; }
  std::filesystem::path live(const core::RunKey& key) const { return live_ / key.text; }
  std::filesystem::path done(const core::RunKey& key) const { return done_ / key.text; }
  bool is_live(const core::RunKey& key) const;
  bool is_done(const core::RunKey& key) const;
  /// `not_found` where it is neither.
  core::Result<std::filesystem::path> where(const core::RunKey& key) const;

  /// Makes the live directory of a run; false when it is there already, for the same spec.
  /// `conflict` when it belongs to another.
  core::Result<bool> make(const core::RunSpec& spec) const;

  core::Result<std::string> result(const core::RunKey& key) const;
  core::Result<std::string> log_end(const core::RunKey& key, core::Arm arm, bool error_stream,
                                    std::size_t bytes_max) const;

  /// Moves a live directory to the done ones.
  void close(const core::RunKey& key) const;
  /// Removes the copies of code of a done run.
  void tidy(const core::RunKey& key) const;

 private:
  std::filesystem::path live_, done_;
};

}  // namespace amdahl::scheduler_adapters
