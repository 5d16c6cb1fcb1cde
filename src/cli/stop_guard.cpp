#include "stop_guard.hpp"

namespace amdahl::cli {

StopGuard::StopGuard(const Environment& env, Options options)
    : env_{env}, options_{std::move(options)}, thread_{[this] { watch(); }} {}

StopGuard::~StopGuard() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool StopGuard::ended_within(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, time, [this] { return ended_; });
}

void StopGuard::watch() {
  constexpr std::chrono::milliseconds look_interval{50};
  while (!env_.interrupted()) {
    if (ended_within(look_interval)) return;
  }
  options_.asked();
  if (!ended_within(options_.patience)) options_.late();
}

}  // namespace amdahl::cli
