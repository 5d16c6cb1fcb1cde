#include "workers.hpp"

#include <exception>

namespace amdahl::http {

Workers::Workers(int threads, std::size_t waiting_max,
                 std::function<std::unique_ptr<Desk>()> open_desk)
    : open_desk_{std::move(open_desk)}, waiting_max_{waiting_max} {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() { stop(); }

bool Workers::add(Work work) {
  {
    const std::lock_guard lock{mutex_};
    if (stopped_ || queue_.size() >= waiting_max_) return false;
    queue_.push_back(std::move(work));
  }
  more_.notify_one();
  return true;
}

void Workers::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    queue_.clear();
  }
  more_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Workers::run() {
  std::unique_ptr<Desk> desk;
  for (;;) {
    Work work;
    {
      std::unique_lock lock{mutex_};
      more_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
      if (stopped_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    if (!desk && open_desk_) {
      try {
        desk = open_desk_();
      } catch (const std::exception&) {
        desk = nullptr;  // the ledger is away: whoever asks is told, and the next one tries again
      }
    }
    work(desk.get());
  }
}

}  // namespace amdahl::http
