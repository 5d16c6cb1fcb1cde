#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "environment.hpp"
#include "event_log.hpp"

namespace amdahl::cli {

/// Tells the service manager how this process is (`NOTIFY_SOCKET`, sd_notify(3)); does nothing
/// without one. Thread-safe; nothing waits longer than a manager that stands still may take.
class Notifier {
 public:
  Notifier(Environment& env, EventLog log);

  void ready();  ///< started, or reloaded
  void reloading();
  void stopping();
  /// One line for people; the same line is sent once.
  void status(std::string_view text);
  /// The loop moved: the watchdog is told at most twice in its time.
  void alive();

 private:
  void send(std::string_view message);

  core::Clock& clock_;
  EventLog log_;
  std::string socket_;
  std::chrono::microseconds watchdog_{0};  ///< 0 = nobody watches
  std::mutex mutex_;
  std::string status_;
  std::optional<core::BootTime> told_;
  bool failed_ = false;
};

}  // namespace amdahl::cli
