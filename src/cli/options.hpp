#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace amdahl::cli {

enum class Format { table, wide, json, jsonl, csv };

/// The flags that every command takes.
struct GlobalOptions {
  Format format = Format::table;
  std::vector<std::string> columns;  ///< empty = the usual ones
  std::int64_t limit = 50;
  std::optional<std::string> cursor;
  std::string config;        ///< empty = search
  std::string server;        ///< a service by its address; empty = that of this machine
  bool ledger_only = false;  ///< ask no service
  bool color = false;
  bool input = true;  ///< may ask on a terminal
  std::optional<std::chrono::milliseconds> timeout;
  bool utc = false;
  bool quiet = false;
  bool verbose = false;

  bool for_people() const { return format == Format::table || format == Format::wide; }
};

}  // namespace amdahl::cli
