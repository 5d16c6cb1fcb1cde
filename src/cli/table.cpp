#include "table.hpp"

#include <algorithm>
#include <ostream>

#include "amdahl/core/spelling.hpp"
#include "report.hpp"

namespace amdahl::cli {

namespace {

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const auto used = width_of(text);
  const std::string blanks(width > used ? width - used : 0, ' ');
  return right ? blanks + std::string{text} : std::string{text} + blanks;
}

core::Result<std::vector<std::size_t>> Table::chosen(const GlobalOptions& options) const {
  std::vector<std::size_t> indices;
  if (options.columns.empty()) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].wide || options.format != Format::table) indices.push_back(i);
    }
    return indices;
  }
  std::vector<std::string> ids;
  for (const auto& column : columns_) ids.push_back(column.id);
  for (const auto& wanted : options.columns) {
    const auto found = std::find(ids.begin(), ids.end(), wanted);
    if (found == ids.end()) {
      return core::invalid_input("no column \"" + wanted + "\"", core::suggest(wanted, ids));
    }
    indices.push_back(static_cast<std::size_t>(found - ids.begin()));
  }
  return indices;
}

core::Result<std::string> Table::render(const GlobalOptions& options) const {
  const auto columns = chosen(options);
  if (!columns) return columns.error();
  std::string text;
  if (options.format == Format::csv) {
    for (const auto i : *columns) text += (i == columns->front() ? "" : ",") + columns_[i].id;
    text += '\n';
    for (const auto& row : rows_) {
      std::string line;
      for (const auto i : *columns)
        line += (line.empty() && i == columns->front() ? "" : ",") + csv_cell(row[i]);
      text += line + '\n';
    }
    return text;
  }
  std::vector<std::size_t> widths;
  for (const auto i : *columns) {
    auto width = width_of(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell) {
    std::string joined;
    for (std::size_t k = 0; k < columns->size(); ++k) {
      const auto i = (*columns)[k];
      joined += (k == 0 ? "" : "  ") + padded(cell(i), widths[k], columns_[i].right);
    }
    return without_trailing_blanks(std::move(joined)) + '\n';
  };
  text += line([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) text += line([&](std::size_t i) { return row[i]; });
  return text;
}

bool print_document(Context& context, const nlohmann::json& document) {
  if (context.options.format == Format::json) {
    context.env.out << document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
                    << '\n';
    return true;
  }
  if (context.options.format == Format::jsonl) {
    context.env.out << document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                    << '\n';
    return true;
  }
  return false;
}

ExitCode print_list(Context& context, const nlohmann::json& document, const std::string& rows,
                    const Table& table, const std::string& empty_note) {
  if (context.options.format == Format::json) {
    print_document(context, document);
    return ExitCode::ok;
  }
  if (context.options.format == Format::jsonl) {
    for (const auto& row : document.value(rows, nlohmann::json::array()))
      print_document(context, row);
    return ExitCode::ok;
  }
  const auto text = table.render(context.options);
  if (!text) return report(context.env, text.error());
  if (table.empty() && context.options.for_people()) {
    context.env.out << empty_note << '\n';
    return ExitCode::ok;
  }
  context.env.out << *text;
  print_more(context, document);
  return ExitCode::ok;
}

void print_more(const Context& context, const nlohmann::json& document) {
  const auto cursor = document.value("next_cursor", nlohmann::json{});
  if (!cursor.is_null() && context.options.for_people())
    context.env.err << "more: --cursor " << cursor.get<std::string>() << '\n';
}

}  // namespace amdahl::cli
