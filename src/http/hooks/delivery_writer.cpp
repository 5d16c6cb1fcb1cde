#include "amdahl/http/delivery_writer.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "amdahl/core/failpoint.hpp"

namespace amdahl::http {

using std::chrono::steady_clock;

namespace {

std::vector<Stored> commit(ledger::Doors& doors, const std::vector<ledger::Delivery>& deliveries) {
  core::failpoint("hooks.delivery_unsent");
  const auto fresh = doors.put_deliveries(deliveries);
  core::failpoint("hooks.delivery_stored");
  std::vector<Stored> stored(deliveries.size(), Stored::in_doubt);
  for (std::size_t i = 0; i < std::min(stored.size(), fresh.size()); ++i) {
    stored[i] = fresh[i] ? Stored::fresh : Stored::replayed;
  }
  return stored;
}

// What keeps one commit from being made.
Stored failure_of(const std::function<void()>& work) {
  constexpr auto too_many = "AM012";
  try {
    work();
  } catch (const ledger::Refused& refused) {
    return refused.sqlstate == too_many ? Stored::overloaded : Stored::refused;
  } catch (const ledger::OutcomeUnknown&) {
    return Stored::in_doubt;
  } catch (const std::exception&) {
    return Stored::unavailable;
  }
  return Stored::fresh;
}

// One that the ledger does not take is told from its neighbours by trying each alone.
std::vector<Stored> store(ledger::Doors& doors, const std::vector<ledger::Delivery>& deliveries) {
  std::vector<Stored> stored;
  const auto failure = failure_of([&] { stored = commit(doors, deliveries); });
  if (failure == Stored::fresh) return stored;
  stored.assign(deliveries.size(), failure);
  if (failure != Stored::refused || deliveries.size() == 1) return stored;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    const auto alone = failure_of([&] { stored[i] = commit(doors, {deliveries[i]}).front(); });
    if (alone != Stored::fresh) stored[i] = alone;
  }
  return stored;
}

}  // namespace

struct DeliveryWriter::State {
  struct Waiting {
    ledger::Delivery delivery;
    Done done;
  };
  using Batch = std::vector<Waiting>;

  explicit State(Options given) : options{std::move(given)} {}

  // Waits for deliveries; empty = the end.
  Batch take() {
    std::unique_lock lock{mutex};
    wake.wait(lock, [&] { return stopping || !queue.empty(); });
    const auto count = std::min(queue.size(), options.commit_max);
    const auto end = queue.begin() + static_cast<std::ptrdiff_t>(count);
    Batch batch{std::make_move_iterator(queue.begin()), std::make_move_iterator(end)};
    queue.erase(queue.begin(), end);
    return batch;
  }

  void work() {
    std::unique_ptr<ledger::Doors> doors;
    while (true) {
      auto batch = take();
      if (batch.empty()) return;
      std::vector<ledger::Delivery> deliveries;
      for (auto& waiting : batch) deliveries.push_back(std::move(waiting.delivery));
      std::vector<Stored> stored(deliveries.size(), Stored::unavailable);
      try {
        if (!doors) doors = options.open_doors();
        stored = store(*doors, deliveries);
      } catch (const std::exception&) {
        doors.reset();  // could not be opened: the next batch tries again
      }
      if (options.poke && std::find(stored.begin(), stored.end(), Stored::fresh) != stored.end()) {
        options.poke();
      }
      for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(stored[i]);
      drained.notify_all();
    }
  }

  Options options;
  mutable std::mutex mutex;
  std::condition_variable wake, drained;
  std::deque<Waiting> queue;
  bool stopping = false;
  std::vector<std::thread> threads;
};

DeliveryWriter::DeliveryWriter(Options options)
    : state_{std::make_unique<State>(std::move(options))} {
  for (int i = 0; i < state_->options.threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
  }
}

DeliveryWriter::~DeliveryWriter() { stop(std::chrono::milliseconds{0}); }

void DeliveryWriter::put(ledger::Delivery delivery, Done done) {
  auto refusal = Stored::fresh;
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->stopping) {
      refusal = Stored::unavailable;
    } else if (state_->queue.size() >= state_->options.waiting_max) {
      refusal = Stored::overloaded;
    } else {
      state_->queue.push_back({std::move(delivery), std::move(done)});
    }
  }
  if (refusal == Stored::fresh) {
    state_->wake.notify_one();
  } else {
    done(refusal);
  }
}

std::size_t DeliveryWriter::waiting() const {
  const std::lock_guard lock{state_->mutex};
  return state_->queue.size();
}

void DeliveryWriter::stop(std::chrono::milliseconds patience) {
  std::deque<State::Waiting> rest;
  {
    std::unique_lock lock{state_->mutex};
    state_->stopping = true;
    state_->wake.notify_all();
    state_->drained.wait_until(lock, steady_clock::now() + patience,
                               [&] { return state_->queue.empty(); });
    rest.swap(state_->queue);
  }
  for (auto& waiting : rest) waiting.done(Stored::unavailable);
  for (auto& thread : state_->threads) thread.join();
  state_->threads.clear();
}

}  // namespace amdahl::http
