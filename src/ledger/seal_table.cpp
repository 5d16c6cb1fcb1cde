#include "seal_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ledger_rows.hpp"

namespace amdahl::ledger {
namespace {

// `table/first` or `table/first.second` in one word: 5 bits, 1 bit, 16 bits, 42 bits.
constexpr unsigned first_bits = 42, second_bits = 16;
constexpr std::uint64_t first_max = (std::uint64_t{1} << first_bits) - 1;
constexpr std::uint64_t second_max = (std::uint64_t{1} << second_bits) - 1;
static_assert(ledger_tables.size() <= 32);

// Only as it would be written again: the name must come back from the word.
std::optional<std::uint64_t> plain_number(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || done.ec != std::errc{} || done.ptr != text.data() + text.size()) return {};
  if (value > most || (text.front() == '0' && text.size() > 1)) return {};
  return value;
}

std::optional<std::uint64_t> packed(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) return {};
  const auto* table = table_named(name.substr(0, slash));
  if (table == nullptr) return {};
  const auto key = name.substr(slash + 1);
  const auto dot = key.find('.');
  const auto first = plain_number(key.substr(0, dot), first_max);
  if (!first) return {};
  auto word = static_cast<std::uint64_t>(table - ledger_tables.data());
  std::uint64_t second = 0;
  if (dot != std::string_view::npos) {
    const auto number = plain_number(key.substr(dot + 1), second_max);
    if (!number) return {};
    second = *number;
  }
  word = word << 1U | static_cast<std::uint64_t>(dot != std::string_view::npos);
  return (word << second_bits | second) << first_bits | *first;
}

std::string unpacked(std::uint64_t word) {
  const auto first = word & first_max;
  const auto second = word >> first_bits & second_max;
  const auto rest = word >> (first_bits + second_bits);
  const auto table = ledger_tables.at(rest >> 1U).name;
  return (rest & 1U) != 0 ? fmt::format("{}/{}.{}", table, first, second)
                          : fmt::format("{}/{}", table, first);
}

std::uint64_t mixed(std::uint64_t word) {
  word = (word ^ word >> 30U) * 0xbf58476d1ce4e5b9U;
  word = (word ^ word >> 27U) * 0x94d049bb133111ebU;
  return word ^ word >> 31U;
}

}  // namespace

std::size_t SealTable::slot_of(std::uint64_t key) const {
  const auto mask = slots_.size() - 1;
  auto slot = mixed(key) & mask;
  while (slots_[slot] != 0 && rows_[slots_[slot] - 1].key != key) slot = (slot + 1) & mask;
  return slot;
}

void SealTable::grow() {
  slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), 0);
  std::uint32_t place = 0;
  for (const auto& row : rows_) slots_[slot_of(row.key)] = ++place;
}

SealTable::Sealed& SealTable::at(std::string_view name) {
  const auto key = packed(name);
  if (!key) return others_[std::string{name}];
  if (rows_.size() * 2 >= slots_.size()) grow();
  auto& slot = slots_[slot_of(*key)];
  if (slot == 0) {
    rows_.push_back({*key, {}});
    slot = static_cast<std::uint32_t>(rows_.size());
  }
  return rows_[slot - 1].sealed;
}

SealTable::Sealed* SealTable::find(std::string_view name) {
  const auto key = packed(name);
  if (!key) {
    const auto found = others_.find(std::string{name});
    return found == others_.end() ? nullptr : &found->second;
  }
  if (slots_.empty()) return nullptr;
  const auto slot = slots_[slot_of(*key)];
  return slot == 0 ? nullptr : &rows_[slot - 1].sealed;
}

std::optional<SealTable::Missing> SealTable::first_unseen() const {
  std::optional<Missing> first;
  const auto consider = [&](std::string name, const Sealed& sealed) {
    if (!first || name < first->name) first = Missing{std::move(name), sealed.seq};
  };
  for (const auto& row : rows_) {
    if (!row.sealed.seen) consider(unpacked(row.key), row.sealed);
  }
  for (const auto& [name, sealed] : others_) {
    if (!sealed.seen) consider(name, sealed);
  }
  return first;
}

}  // namespace amdahl::ledger
