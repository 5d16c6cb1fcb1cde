#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace amdahl::ledger {

/// One attempt of a scheduler's accounting, as the table accounting_attempt has it: identity, what
/// is known, and how it counts in a ranking. Cluster, id and time of submission tell attempts
/// apart. Texts must be UTF-8.
struct AccountingRow {
  /// What is ranked together; `gpus` 0 where there are none.
  struct Family {
    std::string name, cluster, account, user, partition;
    std::int64_t gpus = 0;
    friend auto operator<=>(const Family&, const Family&) = default;
  };
  Family family;
  std::string native_id;
  std::int64_t submit_s = 0;
  std::string name;
  std::optional<std::int64_t> eligible_s, start_s, end_s, first_step_s, gpus, step_gpus;
  std::optional<std::int64_t> outcome;  ///< core::RunOutcome as a number
  std::int64_t standing = 0;            ///< diagnosis::Standing as a number; 0 = counted
  std::optional<std::int64_t> part;     ///< diagnosis::Charge::Part as a number; where counted
  std::int64_t over_gpu_s = 0, launch_gpu_s = 0, rest_gpu_s = 0, queue_gpu_s = 0;
};

/// The ledger's door for accounting (docs/decisions/0016-imported-accounting.md).
class Accounting {
 public:
  virtual ~Accounting() = default;

  struct Stored {
    std::int64_t fresh = 0;    ///< attempts that were not there
    std::int64_t changed = 0;  ///< attempts of which more is known now, or something else
  };
  /// One commit: all of them or none. The same again changes nothing; what knows less of an
  /// attempt than the ledger does (an older file) changes nothing either. Throws the types of
  /// errors.hpp; after a commit in doubt the same batch may be put again.
  virtual Stored put(std::span<const AccountingRow> rows) = 0;
};

/// Connects as the service's role. Throws SchemaMismatch where the ledger is of another version.
std::unique_ptr<Accounting> open_accounting(const std::string& url);

}  // namespace amdahl::ledger
