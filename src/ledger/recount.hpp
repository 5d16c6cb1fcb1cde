#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "row_text.hpp"

namespace amdahl::ledger {

/// Counts again what the tables say of each other: votes, coins, salts, sums, the bank. Rows come
/// in the order of `ledger_tables`; each answer is a problem, or empty.
class Recount {
 public:
  std::string add(std::string_view table, const RowText& row);
  /// What only the whole tells: table, key, problem.
  struct Fault {
    std::string table, key, problem;
  };
  std::optional<Fault> finish() const;
  /// Whether the row of this experiment was there.
  bool knows(std::int64_t experiment) const { return experiments_.contains(experiment); }

 private:
  struct Experiment {
    std::int64_t kind = 0, checks = 0, registered = 0, complete = 0, void_ = 0, spent = 0;
    std::int64_t upholds = 0, refutes = 0;
    std::int64_t pairs_seen = 0, complete_seen = 0, void_seen = 0, spent_seen = 0;
    std::string salt_hash;  ///< hex
    std::optional<std::string> salt;
    std::optional<double> lower;
    bool decided = false;
  };
  struct Production {
    std::int64_t gpu_us = 0;
    std::string wins, state;
  };
  struct Entry {
    std::int64_t gpu_us = 0, experiment = 0;
  };
  std::string add_experiment(const RowText& row);
  std::string add_salt(const RowText& row);
  std::string add_verdict(const RowText& row);
  std::string add_pair(const RowText& row);
  std::string add_bank(const RowText& row);
  Experiment* experiment_of(const RowText& row);

  std::unordered_map<std::int64_t, Experiment> experiments_;
  std::unordered_map<std::int64_t, Production> production_;
  std::unordered_map<std::int64_t, Entry> credits_;
  std::int64_t wins_ = 0, wins_said_ = 0, next_t_said_ = 1, last_t_ = 0;
  std::int64_t spent_ = 0, banked_ = 0, clawed_back_ = 0, spend_ = 0;
  std::int64_t spent_said_ = 0, banked_said_ = 0, clawed_back_said_ = 0;
};

}  // namespace amdahl::ledger
