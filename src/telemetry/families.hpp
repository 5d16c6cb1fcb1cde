#pragma once

#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <string>
#include <string_view>
#include <vector>

#include "amdahl/telemetry/ledger_numbers.hpp"
#include "amdahl/telemetry/metric_table.hpp"
#include "amdahl/telemetry/metrics.hpp"

namespace amdahl::telemetry {

/// `values` under the labels of the table's row.
prometheus::Labels labels_of(const MetricRow& row, const std::vector<std::string>& values);

prometheus::Histogram::BucketBoundaries boundaries(const MetricRow& row);

/// `word` when it is one of `known`, else `other`.
std::string bounded(std::string_view word, const std::vector<std::string>& known);

/// What the ledger says, as families. Words that are known are there from the start, at zero, so
/// that the first increase is seen as one.
std::vector<prometheus::MetricFamily> ledger_families(const LedgerNumbers& numbers,
                                                      const MetricsOptions& options);

}  // namespace amdahl::telemetry
