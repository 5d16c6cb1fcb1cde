#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "amdahl/core/sha256.hpp"

namespace amdahl::ledger {

inline constexpr std::string_view export_format{"amdahl.ledger/v1"};

struct ExportHeader {
  int schema_version = 0;
  std::int64_t head_seq = 0;
  std::string head_hash;  ///< hex
};

struct ExportLine {
  std::string_view table;
  std::string_view text;
};

/// Writes lines and keeps count and digest of them.
class ExportWriter {
 public:
  explicit ExportWriter(std::function<void(std::string_view)> write) : write_{std::move(write)} {}
  void header(const ExportHeader& header);
  void row(std::string_view table, std::string_view text);
  /// The last line; answers the digest.
  std::string footer();
  std::int64_t rows() const { return rows_; }

 private:
  void put(std::string_view word, std::string_view text);

  std::function<void(std::string_view)> write_;
  core::Sha256 sum_;
  std::string line_;
  std::int64_t rows_ = 0;
};

/// Reads them again; holds one line at a time. Every error names the file and the line.
class ExportReader {
 public:
  ExportReader(std::istream& in, std::string name) : in_{in}, name_{std::move(name)} {}
  /// The first line; before any row.
  core::Result<ExportHeader> header();
  /// The next row, valid until the next call; nothing after the last, which the footer proved.
  core::Result<std::optional<ExportLine>> next();
  const std::string& sha256() const { return sha256_; }
  std::int64_t rows() const { return rows_; }
  core::Error error(std::string_view problem, std::string hint = {}) const;

 private:
  core::Result<std::string_view> line();
  core::Result<std::optional<ExportLine>> footer(std::string_view text);
  bool in_turn(std::string_view table);

  std::istream& in_;
  std::string name_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::int64_t line_no_ = 0;
  std::int64_t rows_ = 0;
  std::size_t table_ = 0;
  core::Sha256 sum_;
  std::string sha256_;
};

}  // namespace amdahl::ledger
