#include "pairs_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "amdahl/core/canonical_json.hpp"

namespace amdahl::cli {

namespace {

using core::invalid_input;
using core::Result;
using stats::PairCost;

struct Cell {
  std::string_view text;
  std::size_t column = 1;  ///< where it starts, from 1
};

std::vector<Cell> cells_of(std::string_view line) {
  std::vector<Cell> cells;
  for (std::size_t start = 0; start <= line.size();) {
    const auto comma = std::min(line.find(',', start), line.size());
    const auto blank = line.find_first_not_of(" \t", start);
    const auto first = std::min(blank, comma);
    auto text = line.substr(first, comma - first);
    text = text.substr(0, text.find_last_not_of(" \t") + 1);
    cells.push_back({text, first + 1});
    start = comma + 1;
  }
  return cells;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string cost_problem(double cost) {
  if (std::isnan(cost)) return "NaN is no cost";
  if (std::isinf(cost)) return "an infinite cost cannot be judged";
  if (cost == 0) return "a cost of zero cannot be judged";
  if (cost < 0) return "a cost cannot be negative";
  return {};
}

constexpr auto cost_hint = "write GPU-hours (or seconds) per unit of work: finite and above 0";

// One CSV text, line by line.
class CsvReading {
 public:
  explicit CsvReading(std::string_view place) : place_{place} {}

  Result<void> line(std::string_view text, std::size_t number_of_line) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos || text[first] == '#') return {};
    const auto cells = cells_of(text);
    if (pairs_.empty() && !header_seen_ && !number(cells.front().text)) {
      header_seen_ = true;
      return header(cells, number_of_line);
    }
    const auto baseline = cost(cells, baseline_, number_of_line, "baseline");
    if (!baseline) return baseline.error();
    const auto variant = cost(cells, variant_, number_of_line, "variant");
    if (!variant) return variant.error();
    if (!header_seen_ && cells.size() > 2) {
      return invalid_input(
          fmt::format("{}:{}:{}  a third column", place_, number_of_line, cells[2].column),
          "name the columns in a first line that has baseline and variant");
    }
    if (pairs_.size() == pairs_max) {
      return invalid_input(
          fmt::format("{}:{}:1  more than {} pairs", place_, number_of_line, pairs_max));
    }
    pairs_.push_back({*baseline, *variant});
    return {};
  }

  std::vector<PairCost> take() { return std::move(pairs_); }

 private:
  Result<void> header(const std::vector<Cell>& cells, std::size_t line) {
    std::optional<std::size_t> baseline, variant;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].text == "baseline") baseline = i;
      if (cells[i].text == "variant") variant = i;
    }
    if (!baseline || !variant) {
      return invalid_input(fmt::format("{}:{}:1  \"{}\" is no number, and the line no header",
                                       place_, line, cells.front().text),
                           "start with the line baseline,variant, or with two numbers");
    }
    baseline_ = *baseline;
    variant_ = *variant;
    return {};
  }

  Result<double> cost(const std::vector<Cell>& cells, std::size_t index, std::size_t line,
                      std::string_view arm) const {
    if (index >= cells.size() || cells[index].text.empty()) {
      const auto column = index < cells.size() ? cells[index].column
                                               : cells.back().column + cells.back().text.size();
      return invalid_input(
          fmt::format("{}:{}:{}  the {} cost is missing", place_, line, column, arm),
          "write two costs a line: baseline,variant");
    }
    const auto& cell = cells[index];
    const auto value = number(cell.text);
    const auto problem =
        value ? cost_problem(*value) : fmt::format("\"{}\" is no number", cell.text);
    if (!problem.empty()) {
      return invalid_input(fmt::format("{}:{}:{}  {}", place_, line, cell.column, problem),
                           cost_hint);
    }
    return *value;
  }

  std::string place_;
  std::vector<PairCost> pairs_;
  std::size_t baseline_ = 0, variant_ = 1;
  bool header_seen_ = false;
};

Result<std::vector<PairCost>> parse_csv(std::string_view text, std::string_view place) {
  CsvReading reading{place};
  std::size_t line = 1;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto read = reading.line(text.substr(0, end), line); !read) return read.error();
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
  }
  return reading.take();
}

Result<double> json_cost(const nlohmann::json& pair, const char* arm, std::string_view place,
                         std::size_t index) {
  const auto at = fmt::format("{}  /pairs/{}/{}", place, index, arm);
  const auto found = pair.find(arm);
  if (found == pair.end()) return invalid_input(at + " is missing", cost_hint);
  if (!found->is_number()) return invalid_input(at + " is no number", cost_hint);
  const auto value = found->get<double>();
  if (const auto problem = cost_problem(value); !problem.empty()) {
    return invalid_input(at + ": " + problem, cost_hint);
  }
  return value;
}

Result<std::vector<PairCost>> parse_json_pairs(std::string_view text, std::string_view place) {
  const auto document = core::parse_json(text, place);
  if (!document) return document.error();
  const auto shape = [&](const std::string& what) {
    return invalid_input(fmt::format("{}  {}", place, what),
                         "write {\"pairs\":[{\"baseline\":1.0,\"variant\":0.9}]}");
  };
  if (!document->is_object() || !document->contains("pairs")) return shape("/pairs is missing");
  const auto& list = (*document)["pairs"];
  if (!list.is_array()) return shape("/pairs is no list");
  if (list.size() > pairs_max)
    return shape(fmt::format("/pairs has more than {} elements", pairs_max));
  std::vector<PairCost> pairs;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) return shape(fmt::format("/pairs/{} is no object", i));
    const auto baseline = json_cost(list[i], "baseline", place, i);
    if (!baseline) return baseline.error();
    const auto variant = json_cost(list[i], "variant", place, i);
    if (!variant) return variant.error();
    pairs.push_back({*baseline, *variant});
  }
  return pairs;
}

}  // namespace

Result<std::vector<PairCost>> parse_pairs(std::string_view text, std::string_view place) {
  if (text.size() > pairs_file_bytes_max) {
    return invalid_input(
        fmt::format("{}:1:1  the file is larger than {} bytes", place, pairs_file_bytes_max),
        "one line a pair is enough");
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool is_json =
      first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  auto pairs = is_json ? parse_json_pairs(text, place) : parse_csv(text, place);
  if (pairs && pairs->empty()) {
    return invalid_input(fmt::format("{}:1:1  there is no pair", place),
                         "write two costs a line: baseline,variant");
  }
  return pairs;
}

}  // namespace amdahl::cli
