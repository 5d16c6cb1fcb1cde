#include "executor.hpp"

#include <algorithm>
#include <semaphore>
#include <thread>

#include "amdahl/core/invariant.hpp"

namespace amdahl::simulation {

struct Executor::Entry {
  Time wake{0};
  bool killed = false;
  bool ended = false;
  std::binary_semaphore baton{0};
  std::thread thread;
};

namespace {

constexpr auto never = Executor::Time::max();
thread_local void* current_entry = nullptr;

}  // namespace

bool Executor::later(const Event& a, const Event& b) {
  return a.when != b.when ? a.when > b.when : a.order > b.order;
}

Executor::Executor() {
  entries_.push_back(std::make_unique<Entry>());
  entries_.front()->wake = never;
}

Executor::~Executor() { stop(); }

void Executor::stop() {
  stopping_ = true;
  events_.clear();
  for (std::size_t i = 1; i < entries_.size(); ++i) kill(i);
  run(never, [this] {
    return std::all_of(entries_.begin() + 1, entries_.end(),
                       [](const auto& entry) { return entry->ended; });
  });
  for (auto& entry : entries_) {
    if (entry->thread.joinable()) entry->thread.join();
  }
}

void Executor::at(Time when, std::function<void()> event) {
  if (stopping_) return;
  events_.push_back({std::max(when, now_), ++orders_, std::move(event)});
  std::push_heap(events_.begin(), events_.end(), later);
}

Executor::Process Executor::spawn(std::function<void()> body) {
  auto& entry = *entries_.emplace_back(std::make_unique<Entry>());
  entry.wake = now_;
  entry.thread = std::thread{[this, &entry, body = std::move(body)] { work(entry, body); }};
  return entries_.size() - 1;
}

void Executor::work(Entry& entry, const std::function<void()>& body) {
  current_entry = &entry;
  entry.baton.acquire();
  try {
    if (!entry.killed) body();
  } catch (const Killed&) {
    // That is how it ends.
  }
  entry.ended = true;
  entry.wake = never;
  hand_on(nullptr);
}

void Executor::kill(Process process) {
  auto& entry = *entries_.at(process);
  if (entry.ended) return;
  entry.killed = true;
  entry.wake = now_;
}

bool Executor::ended(Process process) const { return entries_.at(process)->ended; }

void Executor::pass(Time time) {
  auto& self = *static_cast<Entry*>(current_entry);
  if (self.killed) throw Killed{};
  self.wake = now_ + time;
  hand_on(&self);
  if (self.killed) throw Killed{};
}

bool Executor::run(Time horizon, std::function<bool()> done) {
  done_ = std::move(done);
  auto& owner = *entries_.front();
  owner.wake = horizon;
  hand_on(&owner);
  owner.wake = never;
  return done_();
}

Executor::Entry& Executor::next_entry() {
  return **std::min_element(entries_.begin(), entries_.end(),
                            [](const auto& a, const auto& b) { return a->wake < b->wake; });
}

// Whoever holds the baton finds out who is next, and does what events are due on the way.
void Executor::hand_on(Entry* self) {
  for (;;) {
    auto* next = &next_entry();
    if (done_ && done_()) {
      next = entries_.front().get();
    } else if (!events_.empty() && events_.front().when < next->wake) {
      std::pop_heap(events_.begin(), events_.end(), later);
      auto event = std::move(events_.back());
      events_.pop_back();
      now_ = std::max(now_, event.when);
      event.call();
      continue;
    } else {
      core::invariant(next->wake != never, "somebody is always due");
      now_ = std::max(now_, next->wake);
    }
    if (next == self) return;
    next->baton.release();
    if (self != nullptr) self->baton.acquire();
    return;
  }
}

}  // namespace amdahl::simulation
