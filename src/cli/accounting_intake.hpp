#pragma once

#include <cstdint>
#include <future>
#include <string>
#include <vector>

#include "amdahl/core/attempt.hpp"
#include "amdahl/ledger/accounting.hpp"

namespace amdahl::cli {

/// Takes attempts as they are read and puts them into the ledger by the batch, so that memory does
/// not grow with the file and whatever was committed stays when the process dies. While the ledger
/// stores one batch, the next is read.
class AccountingIntake {
 public:
  struct Refusal {
    std::int64_t line = 0;  ///< 0 = read from no text
    std::string why;
  };
  struct Counts {
    std::int64_t attempts = 0;  ///< that could be stored
    std::int64_t fresh = 0, changed = 0;
    std::int64_t refused = 0;
    std::vector<Refusal> refusals;  ///< the first of them

    std::int64_t unchanged() const { return attempts - fresh - changed; }
  };

  /// `cluster` is that of attempts which name none; empty = such are refused.
  AccountingIntake(ledger::Accounting& accounting, std::string cluster);

  void take(core::Attempt&& attempt);
  void refuse(std::int64_t line, std::string why);
  /// After the last one.
  void finish();
  const Counts& counts() const { return counts_; }

 private:
  void send();
  void await();

  ledger::Accounting& accounting_;
  std::string cluster_;
  std::vector<ledger::AccountingRow> batch_;
  std::future<ledger::Accounting::Stored> sent_;
  Counts counts_;
};

}  // namespace amdahl::cli
