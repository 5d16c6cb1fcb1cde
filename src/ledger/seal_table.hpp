#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace amdahl::ledger {

/// What the events say of each row: its digest, by `table/key`. A long history has a million rows,
/// so those with numbers for keys, nearly all, take 64 bytes each.
class SealTable {
 public:
  struct Sealed {
    std::array<std::uint8_t, 32> digest{};
    std::int64_t seq = 0;  ///< of the event; 0 = there from the beginning
    bool seen = false;     ///< the row was there
  };

  /// Makes it when there is none. Valid until the next call.
  Sealed& at(std::string_view name);
  /// Null when no event sealed it.
  Sealed* find(std::string_view name);

  struct Missing {
    std::string name;
    std::int64_t seq = 0;
  };
  /// The first by name whose row was not there.
  std::optional<Missing> first_unseen() const;

 private:
  struct Row {
    std::uint64_t key = 0;
    Sealed sealed;
  };
  /// The place in `slots_` where the key is or would be.
  std::size_t slot_of(std::uint64_t key) const;
  void grow();

  std::deque<Row> rows_;
  std::vector<std::uint32_t> slots_;  ///< 1 + index of a row; 0 = free
  std::unordered_map<std::string, Sealed> others_;
};

}  // namespace amdahl::ledger
