#include "amdahl/telemetry/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/states.hpp"
#include "families.hpp"

namespace amdahl::telemetry {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const std::vector<std::string>& methods() {
  static const std::vector<std::string> words{"GET",   "HEAD",   "POST",   "PUT",
                                              "PATCH", "DELETE", "OPTIONS"};
  return words;
}

std::string code_of(int status) {
  return status >= 100 && status <= 599 ? std::to_string(status) : "other";
}

template <class Builder>
auto& registered(prometheus::Registry& registry, Builder builder, std::string_view name) {
  const auto& row = metric(name);
  return builder.Name(std::string{row.name}).Help(std::string{row.help}).Register(registry);
}

double unix_seconds(core::WallTime at) {
  return std::chrono::duration<double>(at.time_since_epoch()).count();
}

}  // namespace

// A family of the registry, and its row of the table.
template <class Kind>
struct Shown {
  const MetricRow& row;
  Family<Kind>& family;

  Kind& with(const std::vector<std::string>& values) const {
    if constexpr (std::is_same_v<Kind, Histogram>) {
      return family.Add(labels_of(row, values), boundaries(row));
    } else {
      return family.Add(labels_of(row, values));
    }
  }
};

const std::vector<std::string>& webhook_results() {
  static const std::vector<std::string> words{
      "stored",      "duplicate", "bad_signature", "stale",       "too_large",   "malformed",
      "unsupported", "forbidden", "limited",       "unavailable", "switched_off"};
  return words;
}

// The registry's families and counters are thread-safe by themselves; the mutex guards the place in
// the chain up to which checks were counted.
struct Metrics::Parts {
  Parts(MetricsOptions given, core::Clock& the_clock)
      : options{std::move(given)}, clock{the_clock} {}

  Shown<Counter> counter(std::string_view name) {
    return {metric(name), registered(registry, prometheus::BuildCounter(), name)};
  }
  Shown<Gauge> gauge(std::string_view name) {
    return {metric(name), registered(registry, prometheus::BuildGauge(), name)};
  }
  Shown<Histogram> histogram(std::string_view name) {
    return {metric(name), registered(registry, prometheus::BuildHistogram(), name)};
  }

  MetricsOptions options;
  core::Clock& clock;
  prometheus::Registry registry;
  Shown<Gauge> build = gauge("amdahl_build_info");
  Shown<Counter> cycles = counter("amdahl_loop_cycles_total");
  Shown<Histogram> phases = histogram("amdahl_loop_phase_duration_seconds");
  Shown<Gauge> last_success = gauge("amdahl_loop_last_success_timestamp_seconds");
  Shown<Counter> missed = counter("amdahl_reconcile_missed_jobs_total");
  Shown<Histogram> checks = histogram("amdahl_check_duration_seconds");
  Shown<Counter> webhooks = counter("amdahl_webhook_received_total");
  Shown<Histogram> lag = histogram("amdahl_webhook_lag_seconds");
  Shown<Gauge> ledger_up = gauge("amdahl_ledger_up");
  Shown<Histogram> writes = histogram("amdahl_ledger_write_duration_seconds");
  Shown<Gauge> verified = gauge("amdahl_ledger_verified_timestamp_seconds");
  Shown<Counter> requests = counter("amdahl_http_requests_total");
  Shown<Histogram> request_time = histogram("amdahl_http_request_duration_seconds");
  Shown<Gauge> streams = gauge("amdahl_sse_clients");

  mutable std::mutex mutex;
  std::optional<std::int64_t> counted_upto;
  std::map<std::string, std::string> heard;  ///< cluster → source of its ends
  std::optional<std::int64_t> heard_upto;    ///< ends before it were looked for among the webhooks
};

// What is known is there from the start, at zero: the first increase is seen as one.
Metrics::Metrics(MetricsOptions options, core::Clock& clock)
    : parts_{std::make_unique<Parts>(std::move(options), clock)} {
  auto& parts = *parts_;
  parts.build.with({parts.options.version, parts.options.commit}).Set(1);
  for (const auto* outcome : {"acted", "idle", "failed"}) parts.cycles.with({outcome});
  for (const auto* phase : {"look", "plan", "perform"}) parts.phases.with({phase});
  for (const auto& source : parts.options.sources) {
    parts.webhooks.with({source, "stored"});
    parts.lag.with({source, "stored"});
  }
  using enum core::CheckKind;
  using enum core::Vote;
  for (const auto kind :
       {later_replication, node_swap, seed_and_shard, scale, clean_rebuild, neighbour_job}) {
    for (const auto vote : {uphold, refute, inconclusive})
      parts.checks.with({std::string{core::name(kind)}, std::string{core::name(vote)}});
  }
  hear(parts.options.heard);
  parts.ledger_up.with({});
  parts.writes.with({});
  parts.streams.with({});
}

Metrics::~Metrics() = default;

void Metrics::http_request(std::string_view route, std::string_view method, int status,
                           Seconds took) {
  const std::vector<std::string> labels{bounded(route, parts_->options.routes),
                                        bounded(method, methods()), code_of(status)};
  parts_->requests.with(labels).Increment();
  parts_->request_time.with(labels).Observe(took.count());
}

void Metrics::sse_clients(int now) { parts_->streams.with({}).Set(now); }

void Metrics::webhook(std::string_view source, std::string_view result,
                      std::optional<Seconds> lag) {
  const std::vector<std::string> labels{bounded(source, parts_->options.sources),
                                        bounded(result, webhook_results())};
  parts_->webhooks.with(labels).Increment();
  // A sender's clock may be ahead of ours.
  if (lag) parts_->lag.with(labels).Observe(std::max(lag->count(), 0.0));
}

void Metrics::cycle(CycleOutcome outcome, const std::optional<CycleTimes>& times) {
  const auto* word = outcome == CycleOutcome::acted  ? "acted"
                     : outcome == CycleOutcome::idle ? "idle"
                                                     : "failed";
  parts_->cycles.with({word}).Increment();
  if (outcome != CycleOutcome::failed)
    parts_->last_success.with({}).Set(unix_seconds(parts_->clock.now()));
  if (!times) return;
  parts_->phases.with({"look"}).Observe(times->look.count());
  parts_->phases.with({"plan"}).Observe(times->plan.count());
  parts_->phases.with({"perform"}).Observe(times->perform.count());
}

void Metrics::ledger_write(Seconds took) { parts_->writes.with({}).Observe(took.count()); }

void Metrics::ledger_verified() {
  parts_->verified.with({}).Set(unix_seconds(parts_->clock.now()));
}

void Metrics::hear(std::map<std::string, std::string> heard) {
  for (const auto& [cluster, source] : heard) parts_->missed.with({cluster, source});
  const std::scoped_lock lock{parts_->mutex};
  parts_->heard = std::move(heard);
}

nlohmann::json Metrics::hooks_args() const {
  const std::scoped_lock lock{parts_->mutex};
  if (parts_->heard.empty()) return nullptr;
  nlohmann::json args{{"clusters", nlohmann::json::array()}};
  for (const auto& [cluster, source] : parts_->heard) args["clusters"].push_back(cluster);
  if (parts_->heard_upto) args["after"] = *parts_->heard_upto;
  return args;
}

void Metrics::hooks(const nlohmann::json& document, bool count) {
  const auto upto = document.at("upto").get<std::int64_t>();
  const std::scoped_lock lock{parts_->mutex};
  // Of two scrapes at once the second has nothing new.
  if (parts_->heard_upto && *parts_->heard_upto >= upto) return;
  parts_->heard_upto = upto;
  if (!count) return;
  for (const auto& cluster : document.at("clusters")) {
    const auto source = parts_->heard.find(cluster.at("cluster").get<std::string>());
    if (source == parts_->heard.end() || cluster.at("missed").is_null()) continue;
    parts_->missed.with({source->first, source->second})
        .Increment(cluster.at("missed").get<double>());
  }
}

nlohmann::json Metrics::ledger_args() const {
  const std::scoped_lock lock{parts_->mutex};
  auto args = nlohmann::json::object();
  if (parts_->counted_upto) args["after"] = *parts_->counted_upto;
  return args;
}

std::string Metrics::render(const std::optional<LedgerNumbers>& numbers) {
  parts_->ledger_up.with({}).Set(numbers ? 1 : 0);
  if (numbers) {
    // Of two scrapes that began at the same place only the first counts its checks.
    const std::scoped_lock lock{parts_->mutex};
    if (numbers->after == parts_->counted_upto) {
      for (const auto& check : numbers->checks)
        parts_->checks.with({check.kind, check.vote}).Observe(check.seconds);
      parts_->counted_upto = numbers->head_seq;
    }
  }
  auto families = parts_->registry.Collect();
  if (numbers)
    std::ranges::move(ledger_families(*numbers, parts_->options), std::back_inserter(families));
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace amdahl::telemetry
