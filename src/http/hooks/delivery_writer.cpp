#include "amdahl/http/delivery_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "amdahl/core/failpoint.hpp"

namespace amdahl::http {

namespace asio = boost::asio;
using boost::system::error_code;
using ledger::DeliveryChannel;
using std::chrono::steady_clock;

namespace {

// What kept a commit from being made.
Stored failure_of(const std::exception_ptr& problem) {
  constexpr auto too_many = "AM012";
  try {
    std::rethrow_exception(problem);
  } catch (const ledger::Refused& refused) {
    return refused.sqlstate == too_many ? Stored::overloaded : Stored::refused;
  } catch (const ledger::OutcomeUnknown&) {
    return Stored::in_doubt;
  } catch (const std::exception&) {
    return Stored::unavailable;
  }
}

}  // namespace

struct DeliveryWriter::State : std::enable_shared_from_this<State> {
  struct Waiting {
    ledger::Delivery delivery;
    Done done;
  };
  // A channel and the waiting for its socket.
  struct Line {
    Line(asio::io_context& io, std::unique_ptr<DeliveryChannel> given)
        : channel{std::move(given)}, socket{io, ::dup(channel->socket())} {}

    std::unique_ptr<DeliveryChannel> channel;
    asio::posix::stream_descriptor socket;  // a number of its own: the channel closes the other
    bool awaits_writable = false;
  };

  explicit State(Options given) : options{std::move(given)} {}

  // From any thread.
  Stored take_in(ledger::Delivery delivery, Done& done);
  void wake();
  void stop(std::chrono::milliseconds patience);

  // On the thread of `io` alone.
  void pump();
  void open();
  void opened(std::unique_ptr<DeliveryChannel> channel);
  void begin();
  void await_readable();
  void await_writable();
  void step();
  void stored(const std::vector<bool>& fresh);
  void failed(Stored why);
  void hang_up();
  void answer_waiting(Stored what);
  void watch();
  void give_up();
  bool is_busy() const { return !deliveries.empty() || opener.joinable(); }

  Options options;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<Waiting> queue;
  asio::io_context* io = nullptr;
  bool woken = false;    // a pump is on its way
  bool at_work = false;  // something has left the queue, or is about to
  bool stopping = false;
  bool ended = false;

  // Of the thread of `io`.
  std::shared_ptr<Line> line;                // shared with what waits for its socket
  std::thread opener;                        // connecting waits
  std::vector<ledger::Delivery> deliveries;  // of the commit under way
  std::vector<Done> dones;                   // theirs
  std::deque<Waiting> alone;                 // of a commit that was refused: which of them it was
  std::optional<asio::steady_timer> timer;
  steady_clock::time_point deadline{};
  bool watching = false;
  bool ending = false;

  // Where nobody lends a thread.
  std::unique_ptr<asio::io_context> own_io;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> own_work;
  std::thread own_thread;
};

Stored DeliveryWriter::State::take_in(ledger::Delivery delivery, Done& done) {
  const std::lock_guard lock{mutex};
  if (stopping) return Stored::unavailable;
  if (queue.size() >= options.waiting_max) return Stored::overloaded;
  queue.push_back({std::move(delivery), std::move(done)});
  return Stored::fresh;
}

void DeliveryWriter::State::wake() {
  {
    const std::lock_guard lock{mutex};
    if (io == nullptr || std::exchange(woken, true)) return;
  }
  asio::dispatch(*io, [self = shared_from_this()] {
    {
      const std::lock_guard lock{self->mutex};
      self->woken = false;
    }
    self->pump();
  });
}

// Goes on with whatever is next.
void DeliveryWriter::State::pump() {
  if (is_busy()) return;
  if (ending) return give_up();
  {
    const std::lock_guard lock{mutex};
    at_work = !queue.empty() || !alone.empty();
    if (!at_work) return changed.notify_all();
  }
  if (line) {
    begin();
  } else {
    open();
  }
}

void DeliveryWriter::State::open() {
  opener = std::thread{[self = shared_from_this()] {
    std::unique_ptr<DeliveryChannel> channel;
    try {
      channel = self->options.open_channel();
    } catch (const std::exception&) {
      channel = nullptr;  // the ledger is away: whoever waits is told, and the next one tries again
    }
    // Shared: handlers of the executor are copied.
    auto held = std::make_shared<std::unique_ptr<DeliveryChannel>>(std::move(channel));
    asio::post(*self->io, [self, held] { self->opened(std::move(*held)); });
  }};
}

void DeliveryWriter::State::opened(std::unique_ptr<DeliveryChannel> channel) {
  opener.join();
  try {
    // Shared with what waits for its socket.
    if (channel) line = std::make_shared<Line>(*io, std::move(channel));
  } catch (const std::exception&) {
    line = nullptr;  // no descriptor is left
  }
  if (line) {
    await_readable();
  } else {
    answer_waiting(Stored::unavailable);
  }
  pump();
}

// Sends the next commit: all that waits, or one of those that have to be told apart.
void DeliveryWriter::State::begin() {
  const auto take = [this](std::deque<Waiting>& from, std::size_t most) {
    for (; most > 0 && !from.empty(); --most) {
      deliveries.push_back(std::move(from.front().delivery));
      dones.push_back(std::move(from.front().done));
      from.pop_front();
    }
  };
  if (alone.empty()) {
    const std::lock_guard lock{mutex};
    take(queue, options.commit_max);
  } else {
    take(alone, 1);
  }
  deadline = steady_clock::now() + options.commit_time;
  watch();
  core::failpoint("hooks.delivery_unsent");
  try {
    line->channel->begin(deliveries);
  } catch (const std::exception&) {
    return failed(failure_of(std::current_exception()));
  }
  if (line->channel->is_sending()) await_writable();
}

void DeliveryWriter::State::await_readable() {
  line->socket.async_wait(asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this(), line = line](const error_code& error) {
                            if (error || line != self->line) return;
                            self->step();
                            if (line == self->line) self->await_readable();
                          });
}

void DeliveryWriter::State::await_writable() {
  if (std::exchange(line->awaits_writable, true)) return;
  line->socket.async_wait(asio::posix::descriptor_base::wait_write,
                          [self = shared_from_this(), line = line](const error_code& error) {
                            line->awaits_writable = false;
                            if (!error && line == self->line) self->step();
                          });
}

void DeliveryWriter::State::step() {
  std::optional<std::vector<bool>> fresh;
  try {
    fresh = line->channel->step();
  } catch (const std::exception&) {
    return failed(failure_of(std::current_exception()));
  }
  if (fresh) return stored(*fresh);
  if (line->channel->is_sending()) await_writable();
}

void DeliveryWriter::State::stored(const std::vector<bool>& fresh) {
  core::failpoint("hooks.delivery_stored");
  deliveries.clear();
  const auto answered = std::exchange(dones, {});
  if (options.poke && std::find(fresh.begin(), fresh.end(), true) != fresh.end()) options.poke();
  for (std::size_t i = 0; i < answered.size(); ++i) {
    if (i >= fresh.size()) {
      answered[i](Stored::in_doubt);
    } else {
      answered[i](fresh[i] ? Stored::fresh : Stored::replayed);
    }
  }
  pump();
}

// A channel that saw an error is not used again; that too many wait is none.
void DeliveryWriter::State::failed(Stored why) {
  if (why != Stored::overloaded) hang_up();
  auto kept = std::exchange(deliveries, {});
  auto answered = std::exchange(dones, {});
  if (why == Stored::refused && kept.size() > 1) {
    // One that the ledger does not take is told from its neighbours by trying each alone.
    for (std::size_t i = 0; i < kept.size(); ++i)
      alone.push_back({std::move(kept[i]), std::move(answered[i])});
  } else {
    for (const auto& done : answered) done(why);
  }
  pump();
}

void DeliveryWriter::State::hang_up() {
  if (!line) return;
  error_code ignored;
  line->socket.close(ignored);  // ends what waits for it, which holds the rest
  line = nullptr;
}

void DeliveryWriter::State::answer_waiting(Stored what) {
  auto rest = std::exchange(alone, {});
  {
    const std::lock_guard lock{mutex};
    std::move(queue.begin(), queue.end(), std::back_inserter(rest));
    queue.clear();
  }
  for (const auto& waiting : rest) waiting.done(what);
}

// One timer for all commits: almost every one ends long before, and costs it nothing.
void DeliveryWriter::State::watch() {
  if (std::exchange(watching, true)) return;
  if (!timer) timer.emplace(*io);
  timer->expires_at(deadline);
  timer->async_wait([self = shared_from_this()](const error_code& error) {
    self->watching = false;
    if (error || self->deliveries.empty()) return;
    if (steady_clock::now() < self->deadline) return self->watch();
    self->failed(Stored::in_doubt);
  });
}

// The end: at once, or after what is under way.
void DeliveryWriter::State::give_up() {
  ending = true;
  answer_waiting(Stored::unavailable);
  if (is_busy()) return;
  hang_up();
  timer.reset();
  const std::lock_guard lock{mutex};
  ended = true;
  changed.notify_all();
}

void DeliveryWriter::State::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex};
  stopping = true;
  if (!ended && io != nullptr) {
    changed.wait_until(lock, steady_clock::now() + patience,
                       [&] { return queue.empty() && !at_work; });
    asio::post(*io, [self = shared_from_this()] { self->give_up(); });
    changed.wait(lock, [&] { return ended; });
  }
  lock.unlock();
  if (io == nullptr) answer_waiting(Stored::unavailable);
  if (!own_thread.joinable()) return;
  own_work.reset();  // what was called off still comes to its end
  own_thread.join();
}

DeliveryWriter::DeliveryWriter(Options options)
    // Shared, as the header says.
    : state_{std::make_shared<State>(std::move(options))} {
  if (!state_->options.own_thread) return;
  state_->own_io = std::make_unique<asio::io_context>(1);
  live_on(*state_->own_io);
  state_->own_work.emplace(state_->own_io->get_executor());
  state_->own_thread = std::thread{[&io = *state_->own_io] { io.run(); }};
}

DeliveryWriter::~DeliveryWriter() { stop(std::chrono::milliseconds{0}); }

void DeliveryWriter::live_on(asio::io_context& io) {
  {
    const std::lock_guard lock{state_->mutex};
    state_->io = &io;
    if (state_->queue.empty()) return;
  }
  state_->wake();
}

void DeliveryWriter::put(ledger::Delivery delivery, Done done) {
  const auto refusal = state_->take_in(std::move(delivery), done);
  if (refusal == Stored::fresh) {
    state_->wake();
  } else {
    done(refusal);
  }
}

std::size_t DeliveryWriter::waiting() const {
  const std::lock_guard lock{state_->mutex};
  return state_->queue.size();
}

void DeliveryWriter::stop(std::chrono::milliseconds patience) { state_->stop(patience); }

}  // namespace amdahl::http
