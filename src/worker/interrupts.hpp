#pragma once

#include <chrono>
#include <filesystem>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {

/// What may reach a shim from outside: files put into its directory, SIGTERM and SIGINT.
class Interrupts {
 public:
  /// Blocks both signals for this process; they are read from a descriptor from now on.
  static core::Result<Interrupts> watch(const std::filesystem::path& directory);

  /// From now on, until the next call, also wakes when a writer of some file in `folder` closes it
  /// or dies. An empty path: no more.
  void wake_on_close(const std::filesystem::path& folder);
  /// Whether the kernel tells of files; without it, look often.
  bool tells() const { return told_; }

  /// Sleeps until something may have happened, or `longest` passed; whether something has.
  bool wait(std::chrono::milliseconds longest);

  /// The descriptor that becomes readable when something may have happened; `notice` then.
  int fd() const { return epoll_.get(); }
  void notice();

  bool released() const;
  /// A request to stop. `claimed`: work has begun, so `only_if_held` no longer counts.
  bool cancelled(bool claimed) const;

 private:
  std::filesystem::path directory_;
  run_files::UniqueFd inotify_, signals_, epoll_;
  int close_watch_ = -1;
  bool told_ = false;
  bool signalled_ = false;
};

}  // namespace amdahl::worker
