#include "watchdog.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace amdahl::ledger::pq {

Watchdog::Watchdog(int socket)
    : socket_{::fcntl(socket, F_DUPFD_CLOEXEC, 0)}, thread_{[this] { watch(); }} {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock{mutex_};
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
  if (socket_ >= 0) ::close(socket_);
}

void Watchdog::arm(std::chrono::milliseconds deadline) {
  const std::lock_guard lock{mutex_};
  deadline_ = Clock::now() + deadline;
  // The thread that wakes before it looks again by itself: most statements cost it nothing.
  if (deadline_ < wakes_at_) changed_.notify_one();
}

void Watchdog::disarm() {
  const std::lock_guard lock{mutex_};
  deadline_ = never;
}

bool Watchdog::bit() const {
  const std::lock_guard lock{mutex_};
  return bit_;
}

void Watchdog::watch() {
  std::unique_lock lock{mutex_};
  while (!ends_ && !bit_) {
    if (Clock::now() >= deadline_) {
      bit_ = true;
      ::shutdown(socket_, SHUT_RDWR);
      return;
    }
    wakes_at_ = deadline_;
    if (wakes_at_ == never) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, wakes_at_);
    }
  }
}

}  // namespace amdahl::ledger::pq
