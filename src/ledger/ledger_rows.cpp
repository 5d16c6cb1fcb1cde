#include "ledger_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace amdahl::ledger {
namespace {

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  const auto part = text.substr(std::min(at, text.size()), count);
  const auto done = std::from_chars(part.data(), part.data() + part.size(), value);
  if (part.size() != count || done.ec != std::errc{} || done.ptr != part.data() + count) return {};
  return value;
}

// 2026-08-14T09:10:00+00:00, as PostgreSQL writes a whole second in UTC.
std::optional<std::int64_t> epoch_seconds(const std::string& text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return {};
  namespace c = std::chrono;
  const c::sys_days date{c::year{*year} / *month / *day};
  return c::duration_cast<c::seconds>(date.time_since_epoch()).count() + *hour * 3600 +
         *minute * 60 + *second;
}

std::string_view without_x(std::string_view bytea) {
  return bytea.starts_with("\\x") ? bytea.substr(2) : bytea;
}

}  // namespace

std::string event_text(const ChainEvent& event) {
  auto out = fmt::format(R"({{"seq": {}, "fence": {}, "kind": )", event.seq, event.fence);
  append_quoted(out, event.kind);
  out += ", \"ref\": ";
  append_quoted(out, event.ref);
  out += ", \"at\": ";
  append_quoted(out, event.at);
  out += R"(, "prev_hash": "\\x)" + event.prev_hash + R"(", "hash": "\\x)" + event.hash;
  out += R"(", "payload": )";
  append_quoted(out, event.payload);
  return out + "}";
}

std::optional<ChainEvent> event_from(const RowText& row) {
  const auto seq = row.integer("seq"), fence = row.integer("fence");
  auto kind = row.text("kind"), ref = row.text("ref"), at = row.text("at");
  auto payload = row.text("payload");
  const auto prev = row.text("prev_hash"), hash = row.text("hash");
  if (!seq || !fence || !kind || !ref || !at || !payload || !prev || !hash) return {};
  return ChainEvent{*seq,
                    *fence,
                    std::move(*kind),
                    std::move(*ref),
                    std::move(*at),
                    std::move(*payload),
                    std::string{without_x(*prev)},
                    std::string{without_x(*hash)}};
}

const LedgerTable* table_named(std::string_view name) {
  const auto* found = std::ranges::find(ledger_tables, name, &LedgerTable::name);
  return found == ledger_tables.end() ? nullptr : found;
}

std::optional<std::string> row_key(std::string_view table, const RowText& row) {
  if (table == "spend") {
    const auto at = row.text("bucket_at");
    const auto seconds = at ? epoch_seconds(*at) : std::nullopt;
    if (!seconds) return {};
    return std::to_string(*seconds);
  }
  if (table == "experiment_key") {
    const auto bytes = row.text("fingerprint");
    const auto experiment = row.integer("experiment_id");
    const auto version = row.integer("fp_version"), replicate = row.integer("replicate");
    if (!bytes || !experiment || !version || !replicate) return {};
    return fmt::format("{}.{}.{}.{}", *experiment, *version, *replicate, without_x(*bytes));
  }
  const auto* known = table_named(table);
  if (known == nullptr) return {};
  std::string key;
  auto names = known->order;
  while (!names.empty()) {
    const auto end = std::min(names.find(", "), names.size());
    const auto value = row.integer(names.substr(0, end));
    if (!value) return {};
    key += (key.empty() ? "" : ".") + std::to_string(*value);
    names.remove_prefix(std::min(end + 2, names.size()));
  }
  return key;
}

}  // namespace amdahl::ledger
