#include "families.hpp"

#include <algorithm>
#include <map>

#include "amdahl/core/invariant.hpp"

namespace amdahl::telemetry {

namespace {

using Words = std::vector<std::string>;
using Samples = std::vector<LedgerNumbers::Sample>;

const Words& states() {
  static const Words words{"registered", "discovering", "refuting", "decided", "aborted"};
  return words;
}
const Words& verdict_words() {
  static const Words words{"win", "provisional", "refuted", "no_effect", "inconclusive", "void"};
  return words;
}
// A change of several kinds is `several`; an A/A experiment changes nothing.
const Words& mechanisms() {
  static const Words words{"arg", "env", "resource", "image", "patch", "several", "none"};
  return words;
}
const Words& guardrail_words() {
  static const Words words{"quality", "same_work",  "total_cost",   "failures",
                           "clocks",  "assignment", "leave_one_out"};
  return words;
}
const Words& check_kinds() {
  static const Words words{"later_replication", "node_swap",    "seed_and_shard", "scale",
                           "clean_rebuild",     "neighbour_job"};
  return words;
}
const Words& vote_words() {
  static const Words words{"uphold", "refute", "inconclusive"};
  return words;
}
const Words& queue_words() {
  static const Words words{"deliveries", "commands", "runs"};
  return words;
}

prometheus::MetricFamily family(std::string_view name) {
  const auto& row = metric(name);
  prometheus::MetricFamily out;
  out.name = row.name;
  out.help = row.help;
  out.type = row.type == MetricType::counter ? prometheus::MetricType::Counter
                                             : prometheus::MetricType::Gauge;
  return out;
}

// Each label has a list of the words it may say; the sum over what is not in it is `other`.
prometheus::MetricFamily summed(std::string_view name, const Samples& samples,
                                const std::vector<const Words*>& known) {
  std::map<Words, double> sums;
  std::vector<Words> combinations{{}};
  for (const auto* words : known) {
    std::vector<Words> longer;
    for (const auto& head : combinations) {
      for (const auto& word : *words) {
        longer.push_back(head);
        longer.back().push_back(word);
      }
    }
    combinations = std::move(longer);
  }
  for (auto& combination : combinations) sums[combination] = 0;
  for (const auto& sample : samples) {
    core::invariant(sample.labels.size() == known.size(), "a sample has the labels of its metric");
    Words labels;
    for (std::size_t i = 0; i < known.size(); ++i)
      labels.push_back(bounded(sample.labels[i], *known[i]));
    sums[labels] += sample.value;
  }
  auto out = family(name);
  const auto names = label_names(metric(name));
  for (const auto& [labels, sum] : sums) {
    prometheus::ClientMetric one;
    for (std::size_t i = 0; i < names.size(); ++i) one.label.push_back({names[i], labels[i]});
    one.counter.value = sum;
    one.gauge.value = sum;
    out.metric.push_back(std::move(one));
  }
  return out;
}

}  // namespace

prometheus::Labels labels_of(const MetricRow& row, const Words& values) {
  const auto names = label_names(row);
  core::invariant(names.size() == values.size(), "every label of a metric has a value");
  prometheus::Labels labels;
  for (std::size_t i = 0; i < names.size(); ++i) labels[names[i]] = values[i];
  return labels;
}

prometheus::Histogram::BucketBoundaries boundaries(const MetricRow& row) {
  const auto bounds = bucket_bounds(row);
  return {bounds.begin(), bounds.end()};
}

std::string bounded(std::string_view word, const Words& known) {
  return std::ranges::find(known, word) == known.end() ? "other" : std::string{word};
}

std::vector<prometheus::MetricFamily> ledger_families(const LedgerNumbers& numbers,
                                                      const MetricsOptions& options) {
  Samples depth, oldest;
  for (const auto& queue : numbers.queues) {
    depth.push_back({{queue.name}, queue.depth});
    oldest.push_back({{queue.name}, queue.oldest_s});
  }
  const auto* clusters = &options.clusters;
  return {
      summed("amdahl_experiments", numbers.experiments, {&states()}),
      summed("amdahl_experiment_verdicts_total", numbers.verdicts,
             {&verdict_words(), &mechanisms()}),
      summed("amdahl_experiment_cost_gpu_seconds_total", numbers.cost, {clusters}),
      summed("amdahl_guardrail_trips_total", numbers.guardrails, {&guardrail_words()}),
      summed("amdahl_check_votes_total", numbers.votes, {&check_kinds(), &vote_words()}),
      summed("amdahl_banked_gpu_seconds_total", numbers.banked, {clusters, &mechanisms()}),
      summed("amdahl_clawed_back_gpu_seconds_total", numbers.clawed_back,
             {clusters, &mechanisms()}),
      summed("amdahl_queue_depth", depth, {&queue_words()}),
      summed("amdahl_queue_oldest_age_seconds", oldest, {&queue_words()}),
  };
}

}  // namespace amdahl::telemetry
