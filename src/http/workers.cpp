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

// A ledger that is away: whoever asks is told, and the next one tries again.
std::unique_ptr<Desk> Workers::open() const {
  if (!open_desk_) return nullptr;
  try {
    return open_desk_();
  } catch (const std::exception&) {
    return nullptr;
  }
}

std::unique_ptr<Desk> Workers::open_warm() const {
  auto desk = open();
  try {
    if (desk) desk->warm();
  } catch (const std::exception&) {
    return nullptr;
  }
  return desk;
}

// What there is to do next: work, or where there is none warming, which is empty; none at the end.
std::optional<Workers::Work> Workers::next(bool cold) {
  std::unique_lock lock{mutex_};
  more_.wait(lock, [&] { return stopped_ || !queue_.empty() || (cold && !warming_); });
  if (stopped_) return std::nullopt;
  if (queue_.empty()) {
    warming_ = true;
    return Work{};
  }
  auto work = std::move(queue_.front());
  queue_.pop_front();
  return work;
}

void Workers::end_warming() {
  {
    const std::lock_guard lock{mutex_};
    warming_ = false;
  }
  more_.notify_all();  // whoever is cold is next
}

void Workers::run() {
  std::unique_ptr<Desk> desk;
  for (bool cold = true;; cold = false) {
    const auto work = next(cold);
    if (!work) return;
    if (*work) {
      if (!desk) desk = open();
      (*work)(desk.get());
    } else {
      desk = open_warm();
      end_warming();
    }
  }
}

}  // namespace amdahl::http
