#include "export_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ledger_rows.hpp"
#include "row_text.hpp"

namespace amdahl::ledger {
namespace {

using core::Error;
using core::Result;

constexpr std::string_view header_word{"export"}, footer_word{"end"};
// A row of PostgreSQL that is longer could not have been written as one value.
constexpr std::size_t line_bytes_max = std::size_t{256} << 20U;
constexpr std::size_t piece_bytes = std::size_t{64} << 10U;
constexpr auto again = "export the ledger again; a damaged export is not mended";

std::size_t turn_of(std::string_view table) {
  const auto name = table == hidden_salt ? std::string_view{"experiment_salt"} : table;
  const auto* found = std::ranges::find(ledger_tables, name, &LedgerTable::name);
  return static_cast<std::size_t>(found - ledger_tables.begin());
}

}  // namespace

void ExportWriter::put(std::string_view word, std::string_view text) {
  line_.assign(word);
  line_ += ' ';
  line_ += text;
  line_ += '\n';
  write_(line_);
}

void ExportWriter::header(const ExportHeader& header) {
  put(header_word,
      fmt::format(R"({{"format": "{}", "schema_version": {}, "head_seq": {}, )"
                  R"("head_hash": "{}"}})",
                  export_format, header.schema_version, header.head_seq, header.head_hash));
  sum_.add(line_);
}

void ExportWriter::row(std::string_view table, std::string_view text) {
  put(table, text);
  sum_.add(line_);
  ++rows_;
}

std::string ExportWriter::footer() {
  auto sum = core::hex(sum_.digest());
  put(footer_word, fmt::format(R"({{"rows": {}, "sha256": "{}"}})", rows_, sum));
  return sum;
}

Error ExportReader::error(std::string_view problem, std::string hint) const {
  return {core::ErrorCode::failed, fmt::format("{}:{}: {}", name_, line_no_, problem),
          hint.empty() ? again : std::move(hint)};
}

Result<std::string_view> ExportReader::line() {
  ++line_no_;
  for (auto looked = at_;;) {
    if (const auto end = buffer_.find('\n', looked); end != std::string::npos) {
      const auto begin = std::exchange(at_, end + 1);
      return std::string_view{buffer_}.substr(begin, end - begin);
    }
    buffer_.erase(0, std::exchange(at_, 0));
    looked = buffer_.size();
    if (looked > line_bytes_max) return error("the line is longer than 256 MiB");
    std::array<char, piece_bytes> piece{};
    in_.read(piece.data(), piece.size());
    if (in_.gcount() == 0) {
      return error(buffer_.empty() ? "the end is missing: the export was cut off"
                                   : "the line has no end: the export was cut off");
    }
    buffer_.append(piece.data(), static_cast<std::size_t>(in_.gcount()));
  }
}

Result<ExportHeader> ExportReader::header() {
  const auto first = line();
  if (!first) return first.error();
  const auto row = first->starts_with("export ") ? RowText::parse(first->substr(7)) : std::nullopt;
  const auto format = row ? row->text("format") : std::nullopt;
  if (!format || !format->starts_with("amdahl.ledger/")) {
    return error("this is no export of a ledger", "write one with amdahl ledger export FILE");
  }
  if (*format != export_format) {
    return error(fmt::format("the format is {}, this binary reads {}", *format, export_format),
                 "install a newer amdahl");
  }
  const auto version = row->integer("schema_version"), seq = row->integer("head_seq");
  const auto hash = row->text("head_hash");
  if (!version || *version < 1 || *version > 1'000'000 || !seq || !hash) {
    return error("the header lacks schema_version, head_seq or head_hash");
  }
  sum_.add(*first);
  sum_.add("\n");
  return ExportHeader{static_cast<int>(*version), *seq, *hash};
}

bool ExportReader::in_turn(std::string_view table) {
  const auto turn = turn_of(table);
  if (turn < table_) return false;
  // There is one head, and it comes first.
  if ((turn == 0) != (rows_ == 0)) return false;
  table_ = turn;
  return true;
}

Result<std::optional<ExportLine>> ExportReader::footer(std::string_view text) {
  const auto row = RowText::parse(text);
  const auto rows = row ? row->integer("rows") : std::nullopt;
  const auto sum = row ? row->text("sha256") : std::nullopt;
  if (!rows || !sum) return error("the last line lacks rows or sha256");
  if (*rows != rows_) {
    return error(fmt::format("{} rows are announced, {} are there", *rows, rows_));
  }
  sha256_ = core::hex(sum_.digest());
  if (*sum != sha256_) return error("the SHA-256 is not that of the lines above: a byte changed");
  if (at_ != buffer_.size() || in_.peek() != std::istream::traits_type::eof()) {
    ++line_no_;
    return error("something follows the last line");
  }
  return std::optional<ExportLine>{};
}

Result<std::optional<ExportLine>> ExportReader::next() {
  const auto read = line();
  if (!read) return read.error();
  const auto blank = std::min(read->find(' '), read->size());
  const auto table = read->substr(0, blank);
  const auto text = read->substr(std::min(blank + 1, read->size()));
  if (table == footer_word) return footer(text);
  if (turn_of(table) == ledger_tables.size()) return error("this is no row of a known table");
  if (!RowText::parse(text)) return error("the row is no complete JSON object");
  if (!in_turn(table)) return error("the row stands out of turn");
  sum_.add(*read);
  sum_.add("\n");
  ++rows_;
  return std::optional{ExportLine{table, text}};
}

}  // namespace amdahl::ledger
