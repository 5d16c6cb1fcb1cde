#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "accounting_recount.hpp"
#include "amdahl/ledger/verify.hpp"
#include "ledger_rows.hpp"
#include "recount.hpp"
#include "seal_table.hpp"

namespace amdahl::ledger {

/// The proof itself, over rows from wherever they come: head, events, then the tables, each in the
/// order of `ledger_tables`. Remembers the first fault.
class Verifier {
 public:
  Verifier();
  /// Goes on behind a chain that was verified: no tables follow.
  explicit Verifier(const Verification& earlier);

  void head(const RowText& row);
  void event(const ChainEvent& event);
  /// A row of a table; `text` is its canonical text.
  void row(std::string_view table, std::string_view text);
  /// The digest (hex) of a salt that may not be read.
  void hidden_row(std::int64_t experiment, std::string_view digest);
  /// After the last row.
  Verification finish();
  bool failed() const { return bad_.has_value(); }

 private:
  using Digest = std::array<std::uint8_t, 32>;
  void fail(FirstBad bad);
  void fold(const ChainEvent& event);
  void fold_head(const ChainEvent& event);
  void compare(std::string_view table, const std::string& key, const Digest& digest);
  void finish_head();

  bool chain_only_ = false;
  bool head_proved_ = false;
  std::int64_t seq_ = 0;
  Digest hash_{};
  std::string scratch_;
  SealTable sealed_;
  std::map<std::string, std::string, std::less<>> head_;       ///< as the row says
  std::map<std::string, std::string, std::less<>> head_said_;  ///< as the events say
  Recount recount_;
  AccountingRecount accounting_;
  std::optional<FirstBad> bad_;
};

}  // namespace amdahl::ledger
