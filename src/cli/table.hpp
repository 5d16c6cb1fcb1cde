#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "command.hpp"

namespace amdahl::cli {

/// A column of a list: its name for `--columns`, its title, and how it is shown.
struct Column {
  std::string id;
  std::string title;
  bool right = false;  ///< numbers
  bool wide = false;   ///< shown by `-o wide` only, or when asked for
};

/// A list for people or for programs. Cells are text; nothing is ever cut off.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  /// Aligned text or CSV, with the columns that `options` asks for.
  core::Result<std::string> render(const GlobalOptions& options) const;

 private:
  core::Result<std::vector<std::size_t>> chosen(const GlobalOptions& options) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Columns a terminal needs for `text`: its code points.
std::size_t width_of(std::string_view text);
std::string padded(std::string_view text, std::size_t width, bool right = false);

/// Prints `document` as json, each of its `rows` as jsonl, or `table` for people and csv.
ExitCode print_list(Context& context, const nlohmann::json& document, const std::string& rows,
                    const Table& table, const std::string& empty_note);

/// Says to people how to go on where the list does not end here.
void print_more(const Context& context, const nlohmann::json& document);

/// Prints a document as json (jsonl: on one line). False when a person is to read it.
bool print_document(Context& context, const nlohmann::json& document);

}  // namespace amdahl::cli
