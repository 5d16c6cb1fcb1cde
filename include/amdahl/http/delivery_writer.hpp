#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "amdahl/core/limits.hpp"
#include "amdahl/ledger/delivery_channel.hpp"

namespace boost::asio {
class io_context;
}

namespace amdahl::http {

/// What became of a delivery. Only the first two are a commit.
enum class Stored {
  fresh,
  replayed,     ///< it was there before
  overloaded,   ///< too many wait, here or in the ledger
  unavailable,  ///< surely not stored
  in_doubt,  ///< the connection broke at the commit; the sender tries again, which repeats nothing
  refused,   ///< the ledger does not take this one
};

/// Deliveries on their way into the ledger: all that wait become one commit, and none is answered
/// before its commit. Every call is safe from any thread.
class DeliveryWriter {
 public:
  struct Options {
    std::function<std::unique_ptr<ledger::DeliveryChannel>()> open_channel;  ///< may wait and throw
    std::size_t waiting_max = core::limits::deliveries_waiting;
    std::size_t commit_max = core::limits::deliveries_commit;
    std::chrono::milliseconds commit_time = core::limits::answer_timeout;  ///< then it is in doubt
    std::function<void()> poke{};  ///< after each commit that brought something new
    bool own_thread = true;  ///< false: `live_on` says where it works, and nothing is stored before
  };
  /// Called once, on the writer's thread; on the caller's where nothing is taken any more. Must not
  /// wait.
  using Done = std::function<void(Stored)>;

  explicit DeliveryWriter(Options options);
  ~DeliveryWriter();
  DeliveryWriter(const DeliveryWriter&) = delete;
  DeliveryWriter& operator=(const DeliveryWriter&) = delete;

  /// Commits are sent and answered by the thread that runs `io`, until `stop`: a delivery that
  /// comes on it is handed to nobody. It never waits for the ledger there.
  void live_on(boost::asio::io_context& io);

  /// Never blocks for the ledger.
  void put(ledger::Delivery delivery, Done done);
  std::size_t waiting() const;
  /// Takes nothing more; stores what waits until `patience` is over, then answers the rest
  /// `unavailable`. A commit under way is awaited within its time. Not on the writer's thread.
  /// Idempotent.
  void stop(std::chrono::milliseconds patience);

 private:
  struct State;
  // Shared with what waits on the executor.
  std::shared_ptr<State> state_;
};

}  // namespace amdahl::http
