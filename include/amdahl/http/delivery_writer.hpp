#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "amdahl/core/limits.hpp"
#include "amdahl/ledger/doors.hpp"

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
/// before its commit. Threads of its own; every call is safe from any thread.
class DeliveryWriter {
 public:
  struct Options {
    std::function<std::unique_ptr<ledger::Doors>()> open_doors;  ///< one for each thread
    int threads = 1;  ///< each commit carries all that waits: two stored no more a second
    std::size_t waiting_max = core::limits::deliveries_waiting;
    std::size_t commit_max = core::limits::deliveries_commit;
    std::function<void()> poke{};  ///< after each commit that brought something new
  };
  /// Called once, on a thread of the writer; on the caller's where nothing is taken any more.
  using Done = std::function<void(Stored)>;

  explicit DeliveryWriter(Options options);
  ~DeliveryWriter();
  DeliveryWriter(const DeliveryWriter&) = delete;
  DeliveryWriter& operator=(const DeliveryWriter&) = delete;

  /// Never blocks for the ledger.
  void put(ledger::Delivery delivery, Done done);
  std::size_t waiting() const;
  /// Takes nothing more; stores what waits until `patience` is over, then answers the rest
  /// `unavailable`. A commit under way is awaited: the ledger bounds it. Idempotent.
  void stop(std::chrono::milliseconds patience);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amdahl::http
