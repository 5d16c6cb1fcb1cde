#include "amdahl/telemetry/metric_table.hpp"

#include <algorithm>
#include <array>

#include "amdahl/core/invariant.hpp"

namespace amdahl::telemetry {

namespace {

using enum MetricType;
constexpr auto service = Producer::service;
constexpr auto ledger = Producer::ledger;
constexpr auto none = Producer::none;

// Base units, bounded labels; names once shown stay.
constexpr auto rows = std::to_array<MetricRow>({
    {"amdahl_build_info", gauge, service, "version,commit", "Always 1; the labels say what runs"},
    {"amdahl_loop_cycles_total", counter, service, "outcome",
     "Cycles of the loop that this process led"},
    {"amdahl_loop_phase_duration_seconds", histogram, service, "phase",
     "Time a cycle spent looking, planning and performing"},
    {"amdahl_loop_last_success_timestamp_seconds", gauge, service, "",
     "Unix time at which the last cycle that did not fail ended"},
    {"amdahl_fleet_gpu_seconds_total", counter, none, "cluster,partition,phase",
     "GPU time of the fleet by phase"},
    {"amdahl_fleet_coverage_ratio", gauge, none, "cluster,source",
     "Share of the fleet's GPU time that is measured"},
    {"amdahl_reconcile_missed_jobs_total", counter, service, "cluster,source",
     "Ends of jobs that reconciliation found and no webhook had told"},
    {"amdahl_waste_gpu_seconds", gauge, none, "pattern,cluster",
     "GPU time lost in seven days, the 20 largest patterns"},
    {"amdahl_experiments", gauge, ledger, "state", "Experiments by state"},
    {"amdahl_experiment_verdicts_total", counter, ledger, "verdict,mechanism",
     "Verdicts by outcome and by the kind of change that was tried"},
    {"amdahl_experiment_cost_gpu_seconds_total", counter, ledger, "cluster",
     "GPU time spent on experiments"},
    {"amdahl_guardrail_trips_total", counter, ledger, "guardrail",
     "Verdicts in which a guardrail said no"},
    {"amdahl_check_votes_total", counter, ledger, "kind,vote", "Votes of refute checks"},
    {"amdahl_check_duration_seconds", histogram, ledger, "kind,vote",
     "First pair opened to last pair closed, of checks decided while this process runs"},
    {"amdahl_banked_gpu_seconds_total", counter, ledger, "cluster,mechanism",
     "GPU time saved, proved lower bound on hours really run"},
    {"amdahl_clawed_back_gpu_seconds_total", counter, ledger, "cluster,mechanism",
     "Banked GPU time that was taken back"},
    {"amdahl_agent_invocations_total", counter, none, "agent,result", "Agents asked"},
    {"amdahl_agent_duration_seconds", histogram, none, "agent,result", "Time an agent took"},
    {"amdahl_agent_cost_usd_total", counter, none, "agent,result", "Money spent on agents"},
    {"amdahl_webhook_received_total", counter, service, "source,result",
     "Webhooks received, by what was answered"},
    {"amdahl_webhook_lag_seconds", histogram, service, "source,result",
     "From the event, as its sender dates it, to its receipt"},
    {"amdahl_webhook_deliveries_total", counter, none, "source,result", "Outgoing webhooks"},
    {"amdahl_queue_depth", gauge, ledger, "queue", "What waits"},
    {"amdahl_queue_oldest_age_seconds", gauge, ledger, "queue",
     "How long the oldest waits; 0 = none"},
    {"amdahl_ledger_up", gauge, service, "", "1 when the ledger answered this scrape"},
    {"amdahl_ledger_write_duration_seconds", histogram, service, "",
     "Time of a stage's write, commit included"},
    {"amdahl_ledger_verified_timestamp_seconds", gauge, service, "",
     "Unix time at which the hash chain was last verified by this process"},
    {"amdahl_http_requests_total", counter, service, "route,method,code", "Requests answered"},
    {"amdahl_http_request_duration_seconds", histogram, service, "route,method,code",
     "Time from the request read whole to its answer"},
    {"amdahl_sse_clients", gauge, service, "", "Live streams that are open"},
});

constexpr auto short_bounds =
    std::to_array({0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0});
constexpr auto lag_bounds =
    std::to_array({0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0});
// Minutes to a week: a later replication waits half a day.
constexpr auto check_bounds = std::to_array(
    {10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0, 259200.0, 604800.0});

}  // namespace

std::string_view name(MetricType type) {
  switch (type) {
    case counter:
      return "counter";
    case gauge:
      return "gauge";
    case histogram:
      return "histogram";
  }
  return "";
}

std::span<const MetricRow> metric_table() { return rows; }

const MetricRow& metric(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &MetricRow::name);
  core::invariant(found != rows.end(), "every metric that is written stands in the table");
  return *found;
}

std::vector<std::string> label_names(const MetricRow& row) {
  std::vector<std::string> names;
  for (auto rest = row.labels; !rest.empty();) {
    const auto comma = rest.find(',');
    names.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return names;
}

std::span<const double> bucket_bounds(const MetricRow& row) {
  if (row.type != histogram) return {};
  if (row.name == "amdahl_webhook_lag_seconds") return lag_bounds;
  if (row.name == "amdahl_check_duration_seconds") return check_bounds;
  return short_bounds;
}

}  // namespace amdahl::telemetry
