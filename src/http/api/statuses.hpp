#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/ledger.hpp"

namespace amdahl::http {

/// The status for many who look at once. Between two events of the chain most of it is the same:
/// that is read once, and only what goes on without the chain is asked again. One question is under
/// way at a time, and whoever came before it was sent shares its answer. Thread-safe.
class Statuses {
 public:
  explicit Statuses(std::chrono::milliseconds lease_ttl)
      : lease_s_{std::chrono::duration<double>{lease_ttl}.count()} {}

  /// As it is now, or a moment later. Throws what the ledger throws.
  nlohmann::json read(ledger::Ledger& ledger);
  /// How many wait for the question that is under way.
  std::size_t waiting() const;

 private:
  // Shared: whoever reads goes on with what was kept when it began.
  using Kept = std::shared_ptr<const nlohmann::json>;

  nlohmann::json ask(ledger::Ledger& ledger, const Kept& kept) const;

  double lease_s_;
  mutable std::mutex mutex_;
  std::condition_variable answered_;
  Kept kept_;                // whole, and as it was at the last answer
  std::uint64_t asked_ = 0;  // how many came
  std::uint64_t upto_ = 0;   // of those, how many had come when the last question was sent
  std::size_t waiting_ = 0;
  bool asking_ = false;
};

}  // namespace amdahl::http
