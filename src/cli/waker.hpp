#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "amdahl/ledger/doors.hpp"

namespace amdahl::cli {

/// The pause between two cycles of a service: ends early when a door of this process pokes, and,
/// while it leads, when the inbox got something through another's door.
class Waker {
 public:
  /// `doors` makes a connection for looking at the inbox; it may fail, then only pokes wake.
  /// `disturbed` is asked every 50 ms: true ends the pause.
  Waker(std::function<std::unique_ptr<ledger::Doors>()> doors, std::function<bool()> disturbed)
      : open_doors_{std::move(doors)}, disturbed_{std::move(disturbed)} {}

  void poke();
  /// Whether it ended early.
  bool pause(std::chrono::milliseconds time, bool leads);

 private:
  bool has_news();

  std::function<std::unique_ptr<ledger::Doors>()> open_doors_;
  std::function<bool()> disturbed_;
  std::unique_ptr<ledger::Doors> doors_;
  ledger::Inbox seen_;
  std::mutex mutex_;
  std::condition_variable poked_;
  bool news_ = false;
  std::chrono::steady_clock::time_point heard_;  ///< the last poke that ended a pause
};

}  // namespace amdahl::cli
