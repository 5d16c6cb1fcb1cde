#include "waker.hpp"

#include <algorithm>
#include <utility>

namespace amdahl::cli {

using namespace std::chrono_literals;

namespace {
constexpr auto disturbed_interval = 50ms;
constexpr auto inbox_interval = 100ms;
// Each delivery pokes: cycle after cycle would take the ledger from those that still come.
constexpr auto poked_interval = 200ms;
}  // namespace

void Waker::poke() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(news_, true)) return;  // it is awake, or about to be
  }
  poked_.notify_one();
}

// What still waits after a cycle has seen it is no news: it waits for something else.
bool Waker::has_news() {
  try {
    if (!doors_) doors_ = open_doors_();
    const auto inbox = doors_->inbox();
    const bool more = inbox.delivery > seen_.delivery || inbox.command > seen_.command;
    seen_ = {std::max(seen_.delivery, inbox.delivery), std::max(seen_.command, inbox.command)};
    return more;
  } catch (const std::exception&) {
    doors_.reset();  // the cycle will tell what is wrong with the ledger
    return false;
  }
}

// The first poke in a while is heard at once.
bool Waker::pause(std::chrono::milliseconds time, bool leads) {
  const auto until = std::chrono::steady_clock::now() + time;
  auto look_at = std::chrono::steady_clock::now();
  bool early = false;
  std::unique_lock lock{mutex_};
  while (!news_ && !disturbed_() && std::chrono::steady_clock::now() < until) {
    if (leads && time > inbox_interval && std::chrono::steady_clock::now() >= look_at) {
      lock.unlock();
      early = has_news();
      lock.lock();
      if (early) break;
      look_at = std::chrono::steady_clock::now() + inbox_interval;
    }
    const auto rest = until - std::chrono::steady_clock::now();
    poked_.wait_for(lock, std::min<std::chrono::nanoseconds>(rest, disturbed_interval));
  }
  if (news_) {
    const auto heard = std::min(until, heard_ + poked_interval);
    while (!disturbed_() && std::chrono::steady_clock::now() < heard)
      poked_.wait_for(lock, std::min<std::chrono::nanoseconds>(
                                heard - std::chrono::steady_clock::now(), disturbed_interval));
    heard_ = std::chrono::steady_clock::now();
  }
  early = early || news_ || disturbed_();
  news_ = false;
  return early;
}

}  // namespace amdahl::cli
