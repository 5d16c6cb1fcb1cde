#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace amdahl::worker {

/// The children of `process`, as /proc tells; empty when it cannot be read.
std::vector<pid_t> children_of(pid_t process);

/// Watches how much memory a process and all below it hold together. A process without children
/// is left alone: the kernel keeps its peak.
class MemoryWatch {
 public:
  explicit MemoryWatch(pid_t root) : root_{root} {}

  /// Looks once, when it is time. Shared pages are divided among their users.
  void sample(std::int64_t now_ns);
  std::int64_t next_ns() const { return next_ns_; }
  /// 0 when there was never more than one process.
  std::int64_t peak_bytes() const { return peak_bytes_; }

 private:
  pid_t root_;
  std::int64_t next_ns_ = 0;
  std::int64_t peak_bytes_ = 0;
};

}  // namespace amdahl::worker
