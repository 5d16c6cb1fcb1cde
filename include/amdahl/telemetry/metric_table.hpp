#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amdahl::telemetry {

enum class MetricType { counter, gauge, histogram };
std::string_view name(MetricType type);

/// Where a metric's numbers come from.
enum class Producer {
  service,  ///< counted by the process since it started
  ledger,   ///< read from the ledger at each scrape
  none,     ///< nothing produces it yet: it is absent, not zero
};

/// One metric: what `/metrics` shows, what the reference says, what dashboards may ask for.
struct MetricRow {
  std::string_view name;
  MetricType type = MetricType::counter;
  Producer producer = Producer::none;
  std::string_view labels;  ///< comma between them, in the order of the values given
  std::string_view help;
};

std::span<const MetricRow> metric_table();
/// A name that is not in the table is our bug.
const MetricRow& metric(std::string_view name);
std::vector<std::string> label_names(const MetricRow& row);
/// Upper bounds of a histogram's buckets, without the infinite one.
std::span<const double> bucket_bounds(const MetricRow& row);

}  // namespace amdahl::telemetry
