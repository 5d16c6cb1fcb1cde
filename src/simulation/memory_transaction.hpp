#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/simulation/memory_ledger.hpp"
#include "memory_text.hpp"

namespace amdahl::simulation {

struct MemoryDraft {
  std::string kind;
  std::string ref;
  std::string payload;
};

/// One call: what it changed is taken back unless it was committed. Numbers given out stay out.
class MemoryTransaction {
 public:
  MemoryTransaction(MemoryState& state, core::Clock& clock, core::Random& salts);
  ~MemoryTransaction();
  MemoryTransaction(const MemoryTransaction&) = delete;
  MemoryTransaction& operator=(const MemoryTransaction&) = delete;

  MemoryState& state;
  core::Random& salts;

  std::int64_t now_us() { return clock_.now().time_since_epoch().count(); }
  std::int64_t id() const { return id_; }
  void commit() { undo_.clear(); }

  /// amdahl._lead.
  void lead(const ledger::Lease& lease);
  /// amdahl._append: one time for all of them.
  void append(std::vector<MemoryDraft> drafts);
  void append(MemoryDraft draft);
  /// Ends a stage function: tells the chain that rows changed, if they did.
  void seal();

  /// A column of a row whose changes are sealed; writing what stands there is no change.
  template <class T, class U>
  void set(T& field, U&& value) {
    if (field == value) return;
    replace(field, T(std::forward<U>(value)));
  }
  /// The same for what cannot be compared.
  template <class T>
  void replace(T& field, T value) {
    changed_ = true;
    replace_unsealed(field, std::move(value));
  }
  /// A column of loop_head or command.
  template <class T>
  void replace_unsealed(T& field, T value) {
    undo_.emplace_back([&field, old = std::move(field)]() mutable { field = std::move(old); });
    field = std::move(value);
  }
  template <class Row>
  Row& insert(std::deque<Row>& table, Row row) {
    changed_ = true;
    return insert_unsealed(table, std::move(row));
  }
  template <class Row>
  Row& insert_unsealed(std::deque<Row>& table, Row row) {
    undo_.emplace_back([&table] { table.pop_back(); });
    table.push_back(std::move(row));
    return table.back();
  }
  /// Lists of what is open, which no table holds.
  void open(std::vector<std::int64_t>& list, std::int64_t id);
  void close(std::vector<std::int64_t>& list, std::int64_t id);

 private:
  core::Clock& clock_;
  std::int64_t id_;
  bool changed_ = false;
  std::vector<std::function<void()>> undo_;
};

/// The row with this id; nullptr when there is none. Rows stand in the order of their ids.
template <class Row, class Id>
Row* find_row(std::deque<Row>& rows, Id id) {
  const auto it = std::lower_bound(rows.begin(), rows.end(), id,
                                   [](const Row& row, Id wanted) { return row.id < wanted; });
  return it == rows.end() || it->id != id ? nullptr : &*it;
}

/// ^[a-z][a-z_]{0,62}$
bool is_word(std::string_view text);

/// Throws ledger::Refused.
[[noreturn]] void refuse(const char* sqlstate, std::string message);
/// A violated CHECK, UNIQUE or FOREIGN KEY.
void require_check(bool holds, std::string_view what);
void require_unique(bool holds, std::string_view what);
void require_foreign(bool holds, std::string_view what);
/// An argument that PostgreSQL casts to uuid before anything else.
void require_uuid(std::string_view text);

}  // namespace amdahl::simulation
