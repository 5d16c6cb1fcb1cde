#include "amdahl/telemetry/metric_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

namespace amdahl::telemetry {
namespace {

std::string reference() {
  std::ifstream in{std::string{AMDAHL_SOURCE_DIR} + "/docs/reference/metrics.md"};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string row_of(const MetricRow& row) {
  std::string labels;
  for (const auto& label : label_names(row)) labels += (labels.empty() ? "" : ", ") + label;
  const auto* from = row.producer == Producer::service  ? "service"
                     : row.producer == Producer::ledger ? "ledger"
                                                        : "not yet";
  return "| `" + std::string{row.name} + "` | " + std::string{name(row.type)} + " | " + labels +
         " | " + from + " | " + std::string{row.help} + " |\n";
}

TEST_CASE("the reference has a row for each metric, and no other", "[metrics]") {
  const auto text = reference();
  for (const auto& row : metric_table()) {
    INFO("docs/reference/metrics.md lacks the row\n" << row_of(row));
    CHECK(text.find(row_of(row)) != std::string::npos);
  }
  std::size_t shown = 0;
  for (auto at = text.find("\n| `amdahl_"); at != std::string::npos;
       at = text.find("\n| `amdahl_", at + 1))
    ++shown;
  CHECK(shown == metric_table().size());
}

TEST_CASE("names are unique, in base units, and counters end in total", "[metrics]") {
  std::set<std::string_view> names;
  for (const auto& row : metric_table()) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.name.starts_with("amdahl_"));
    CHECK(row.name.ends_with("_total") == (row.type == MetricType::counter));
    if (row.type == MetricType::histogram) CHECK(row.name.ends_with("_seconds"));
    CHECK_FALSE(row.help.empty());
    const auto bounds = bucket_bounds(row);
    CHECK(bounds.empty() == (row.type != MetricType::histogram));
    CHECK(std::ranges::is_sorted(bounds));
    // Who, what and when of single things would make a series each.
    for (const auto& label : label_names(row))
      CHECK_FALSE(std::set<std::string>{"job", "user", "experiment", "id"}.contains(label));
  }
}

}  // namespace
}  // namespace amdahl::telemetry
