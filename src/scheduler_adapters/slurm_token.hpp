#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "amdahl/core/clock.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/scheduler_adapters/slurm.hpp"

namespace amdahl::scheduler_adapters::slurm {

/// The JSON Web Token that slurmrestd is shown: of a file that somebody else renews, read each
/// time, or of a command that is run again before the last one's end and when it was refused.
class TokenSource {
 public:
  TokenSource(const SlurmOptions& options, core::Clock& clock) : options_{options}, clock_{clock} {}

  /// Never logged, never part of an error. A command gets no longer than `within`.
  core::Result<std::string> token(std::chrono::milliseconds within);
  /// The last one was not accepted. Whether asking again now may give another.
  bool refused();
  /// What a person does about a token that ends.
  std::string fix() const;
  bool renews_itself() const { return !options_.token_command.empty(); }

 private:
  core::Result<std::string> of_file() const;
  core::Result<std::string> of_command(std::chrono::milliseconds within);
  std::int64_t now_s() const;

  const SlurmOptions& options_;
  core::Clock& clock_;
  std::string held_;           ///< of the command; empty = none
  std::int64_t renew_at_ = 0;  ///< Unix seconds
};

}  // namespace amdahl::scheduler_adapters::slurm
