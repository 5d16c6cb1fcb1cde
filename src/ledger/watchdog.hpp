#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace amdahl::ledger::pq {

/// Ends what waits for a server that does not answer: past the deadline of a statement it shuts the
/// connection's socket down, so that libpq sees a lost connection and returns. PostgreSQL's own
/// timeouts do not help where it stands still, and TCP's not on a Unix socket. One thread for one
/// connection, joined when the connection goes.
class Watchdog {
 public:
  /// Keeps a descriptor of its own of `socket`: that number may soon mean something else.
  explicit Watchdog(int socket);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From now on; again starts the time anew.
  void arm(std::chrono::milliseconds deadline);
  void disarm();
  /// Whether it has shut the socket down.
  bool bit() const;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto never = Clock::time_point::max();
  void watch();

  int socket_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Clock::time_point deadline_ = never;
  Clock::time_point wakes_at_ = never;
  bool bit_ = false;
  bool ends_ = false;
  std::thread thread_;
};

/// Armed as long as it lives.
class Watched {
 public:
  Watched(Watchdog& dog, std::chrono::milliseconds deadline) : dog_{dog} { dog_.arm(deadline); }
  ~Watched() { dog_.disarm(); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  Watchdog& dog_;
};

}  // namespace amdahl::ledger::pq
