#include "command_waiter.hpp"

#include <algorithm>

namespace amdahl::http {

namespace {
constexpr std::chrono::milliseconds answer_interval{25};
}

CommandWaiter::CommandWaiter(std::function<std::unique_ptr<Desk>()> open_desk)
    : open_desk_{std::move(open_desk)}, thread_{[this] { run(); }} {}

CommandWaiter::~CommandWaiter() { stop(); }

void CommandWaiter::wait_for(std::string key, std::chrono::milliseconds patience,
                             Answered answered) {
  const auto until = std::chrono::steady_clock::now() + patience;
  {
    const std::lock_guard lock{mutex_};
    if (!stopped_) {
      added_.push_back({std::move(key), until, std::move(answered)});
      answered = nullptr;
    }
  }
  if (answered) answered(nullptr);
  more_.notify_one();
}

void CommandWaiter::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
  }
  more_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CommandWaiter::look(std::vector<Waiting>& waiting, std::unique_ptr<Desk>& desk) {
  const auto now = std::chrono::steady_clock::now();
  bool away = false;  // one that does not answer is asked once a look, however many wait
  std::erase_if(waiting, [&](Waiting& one) {
    std::optional<nlohmann::json> answer;
    try {
      if (!away && !desk) desk = open_desk_();
      if (!away) answer = desk->ledger().command_answer(one.key);
    } catch (const std::exception&) {
      away = true;  // the deadline tells whoever waits
      desk.reset();
    }
    if (!answer && now < one.until) return false;
    one.answered(answer ? &*answer : nullptr);
    return true;
  });
}

void CommandWaiter::run() {
  std::unique_ptr<Desk> desk;
  std::vector<Waiting> waiting;
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      const auto more = [this] { return stopped_ || !added_.empty(); };
      if (waiting.empty()) {
        more_.wait(lock, more);
      } else {
        more_.wait_for(lock, answer_interval, more);
      }
      std::move(added_.begin(), added_.end(), std::back_inserter(waiting));
      added_.clear();
      if (stopped_) break;
    }
    look(waiting, desk);
  }
  for (const auto& one : waiting) one.answered(nullptr);
}

}  // namespace amdahl::http
