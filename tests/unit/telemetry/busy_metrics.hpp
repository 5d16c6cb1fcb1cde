#pragma once

#include <nlohmann/json.hpp>

#include "amdahl/core/clock.hpp"
#include "amdahl/telemetry/metrics.hpp"

namespace amdahl::telemetry {

/// Stands where it is put.
class StillClock final : public core::Clock {
 public:
  core::WallTime now() override { return core::WallTime{std::chrono::seconds{1'790'000'000}}; }
  core::BootTime since_boot() override { return std::chrono::hours{1}; }
};

inline MetricsOptions busy_options() {
  return {"0.1.0",
          "0123abc",
          {"alpha", "beta"},
          {"slurm/alpha", "generic/beta"},
          {"/api/v1/experiments/{id}", "/healthz", "/hooks/slurm"},
          {{"alpha", "slurm/alpha"}}};
}

/// What the read model `hooks` says at event `upto` of a cluster with that many ends unheard of.
inline nlohmann::json heard(std::int64_t upto, const std::string& cluster, nlohmann::json missed) {
  return {
      {"upto", upto},
      {"clusters", nlohmann::json::array({{{"cluster", cluster}, {"missed", std::move(missed)}}})}};
}

/// The read model `metrics` of a ledger in which everything has happened.
inline nlohmann::json busy_document() {
  using nlohmann::json;
  return {
      {"schema", "amdahl.metrics/v1"},
      {"head_seq", 120},
      {"after", 100},
      {"experiments",
       {{"registered", 1}, {"discovering", 2}, {"refuting", 1}, {"decided", 9}, {"aborted", 0}}},
      {"cost", json::array({{{"cluster", "alpha"}, {"gpu_us", 7'200'000'000}}})},
      {"verdicts", json::array({{{"verdict", "win"}, {"mechanism", "arg"}, {"count", 2}},
                                {{"verdict", "refuted"}, {"mechanism", "env"}, {"count", 4}},
                                {{"verdict", "no_effect"}, {"mechanism", "none"}, {"count", 3}}})},
      {"guardrails", json::array({{{"guardrail", "quality"}, {"count", 1}}})},
      {"votes", json::array({{{"kind", "node_swap"}, {"vote", "uphold"}, {"count", 5}},
                             {{"kind", "scale"}, {"vote", "refute"}, {"count", 2}}})},
      {"checks", json::array({{{"kind", "node_swap"}, {"vote", "uphold"}, {"seconds", 412.5}}})},
      {"bank", json::array({{{"cluster", "alpha"},
                             {"mechanism", "arg"},
                             {"banked_gpu_us", 36'000'000'000},
                             {"clawed_back_gpu_us", 1'500'000}}})},
      {"queues",
       {{"deliveries", {{"depth", 3}, {"oldest_s", 12.5}}},
        {"commands", {{"depth", 0}, {"oldest_s", 0}}},
        {"runs", {{"depth", 7}, {"oldest_s", 90}}}}}};
}

/// Each metric that the service itself counts, at least once.
inline void make_busy(Metrics& metrics) {
  using namespace std::chrono_literals;
  metrics.http_request("/api/v1/experiments/{id}", "GET", 200, 3ms);
  metrics.http_request("/hooks/slurm", "POST", 202, 12ms);
  metrics.http_request("/healthz", "GET", 503, 1ms);
  metrics.sse_clients(4);
  metrics.webhook("slurm/alpha", "stored", 1500ms);
  metrics.webhook("generic/beta", "bad_signature", std::nullopt);
  metrics.cycle(CycleOutcome::acted, CycleTimes{20ms, 2ms, 130ms});
  metrics.cycle(CycleOutcome::idle, CycleTimes{4ms, 1ms, 0ms});
  metrics.cycle(CycleOutcome::failed, std::nullopt);
  metrics.ledger_write(7ms);
  metrics.ledger_verified();
  metrics.hooks(heard(10, "alpha", nullptr), true);
  metrics.hooks(heard(20, "alpha", 1), true);
}

/// What such a service shows at its second scrape.
inline std::string busy_exposition() {
  StillClock clock;
  Metrics metrics{busy_options(), clock};
  make_busy(metrics);
  auto first = busy_document();
  first["head_seq"] = 100;
  first["after"] = nullptr;
  first["checks"] = nullptr;
  (void)metrics.render(ledger_numbers(first).value());
  return metrics.render(ledger_numbers(busy_document()).value());
}

}  // namespace amdahl::telemetry
