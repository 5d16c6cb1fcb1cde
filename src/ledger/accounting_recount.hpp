#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "amdahl/ledger/verify.hpp"
#include "row_text.hpp"

namespace amdahl::ledger {

/// Counts again, from the rows of an export, what the sums of imported accounting say of its
/// attempts. In a database accounting_fault does it (migrations/functions/22_accounting.sql).
class AccountingRecount {
 public:
  void add(std::string_view table, const RowText& row);
  std::optional<FirstBad> finish() const;

 private:
  // runs, over, launch, queue, and the rest by part: unknown, failed, timed out, cancelled, redo.
  using Sums = std::array<std::int64_t, 9>;
  // By standing: counted, not ended, without GPUs, without times, experiments; then all of them.
  using Counts = std::array<std::int64_t, 6>;
  struct Span {
    std::optional<std::int64_t> first_s, last_s;
    friend bool operator==(const Span&, const Span&) = default;
  };
  struct Family {
    Sums said{}, seen{};
    bool there = false;
  };
  void add_attempt(const RowText& row);
  void add_family(const RowText& row);
  void add_total(const RowText& row);

  std::unordered_map<std::int64_t, Family> families_;
  Counts said_{}, seen_{};
  Span span_said_, span_seen_;
};

}  // namespace amdahl::ledger
