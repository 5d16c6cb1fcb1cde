#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// Threads that may wait for the ledger, each with a desk of its own, and a bounded queue before
/// them. While nothing waits they warm their desks, one after another: a ledger that does not
/// answer holds up one of them.
class Workers {
 public:
  /// What is done at a desk; a desk that cannot be opened is null.
  using Work = std::function<void(Desk*)>;

  Workers(int threads, std::size_t waiting_max, std::function<std::unique_ptr<Desk>()> open_desk);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False when too much waits already, or after `stop`.
  bool add(Work work);
  /// What waits is dropped, what is under way ends by its own deadlines.
  void stop();

 private:
  void run();
  std::unique_ptr<Desk> open() const;
  std::unique_ptr<Desk> open_warm() const;
  std::optional<Work> next(bool cold);
  void end_warming();

  std::function<std::unique_ptr<Desk>()> open_desk_;
  std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Work> queue_;
  bool stopped_ = false;
  bool warming_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace amdahl::http
