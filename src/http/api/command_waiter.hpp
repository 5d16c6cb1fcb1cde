#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// Waits for the answers of commands, for all requests at once and on a thread of its own: a worker
/// that waited for the leader would keep others from reading.
class CommandWaiter {
 public:
  explicit CommandWaiter(std::function<std::unique_ptr<Desk>()> open_desk);
  ~CommandWaiter();
  CommandWaiter(const CommandWaiter&) = delete;
  CommandWaiter& operator=(const CommandWaiter&) = delete;

  /// Called once, with the answer, or with null when `patience` is over.
  using Answered = std::function<void(const nlohmann::json*)>;
  void wait_for(std::string key, std::chrono::milliseconds patience, Answered answered);
  void stop();

 private:
  struct Waiting {
    std::string key;
    std::chrono::steady_clock::time_point until;
    Answered answered;
  };
  void run();
  void look(std::vector<Waiting>& waiting, std::unique_ptr<Desk>& desk);

  std::function<std::unique_ptr<Desk>()> open_desk_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<Waiting> added_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace amdahl::http
