#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amdahl/ledger/ledger.hpp"
#include "amdahl/simulation/memory_ledger.hpp"
#include "support/test_database.hpp"

namespace amdahl::test {

/// A database whose ledger can be emptied, which is quicker than a fresh one.
class TwinDatabase {
 public:
  TwinDatabase();
  void empty() const;
  ledger::Ledger& ledger() { return *ledger_; }

 private:
  TestDatabase db_;
  std::unique_ptr<ledger::Ledger> ledger_;
};

/// Real PostgreSQL and the ledger in memory, asked the same and compared after every call.
class LedgerTwins {
 public:
  explicit LedgerTwins(TwinDatabase& database);

  using Call = std::function<nlohmann::json(ledger::Ledger&)>;
  /// Answers what PostgreSQL answered. Throws std::runtime_error with all calls so far where the
  /// twins differ.
  nlohmann::json ask(std::string what, const Call& call);
  /// What only the end shows: the sums, and that PostgreSQL finds itself true.
  void compare_sums();

  /// As both last read it.
  const ledger::Snapshot& snapshot() const { return snapshot_; }
  int calls() const { return static_cast<int>(log_.size()); }
  int refused() const { return refused_; }
  /// The kinds of all events, in order.
  const std::vector<std::string>& kinds() const { return kinds_; }

 private:
  class TurnClock;
  void require_same(const char* what, const nlohmann::json& postgres, const nlohmann::json& memory);
  nlohmann::json new_events(std::int64_t after);
  std::int64_t turn_of(std::int64_t at_us) const;

  ledger::Ledger& postgres_;
  simulation::MemoryState state_;
  std::shared_ptr<TurnClock> clock_;
  std::unique_ptr<core::Random> salts_;
  simulation::MemoryLedger memory_;
  ledger::Snapshot snapshot_;
  std::vector<std::string> log_;
  std::vector<std::int64_t> read_at_us_;  ///< PostgreSQL's clock after each call
  std::vector<std::string> kinds_;
  int refused_ = 0;
};

}  // namespace amdahl::test
