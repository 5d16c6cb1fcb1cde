#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "environment.hpp"

namespace amdahl::cli {

/// Sees to it that a process that was asked to stop does: a thread that calls `asked` once, and
/// `late` when this is still there `patience` after.
class StopGuard {
 public:
  struct Options {
    std::chrono::milliseconds patience;
    std::function<void()> asked;
    std::function<void()> late;
  };
  StopGuard(const Environment& env, Options options);
  ~StopGuard();
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;

 private:
  void watch();
  bool ended_within(std::chrono::milliseconds time);

  const Environment& env_;
  Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace amdahl::cli
