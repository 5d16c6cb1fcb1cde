#include "amdahl/telemetry/metrics.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "amdahl/telemetry/metric_table.hpp"
#include "busy_metrics.hpp"

namespace amdahl::telemetry {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;

std::string first_render(Metrics& metrics) {
  auto document = busy_document();
  document["after"] = document["checks"] = nullptr;
  return metrics.render(ledger_numbers(document).value());
}

std::size_t series(const std::string& text, std::string_view metric) {
  std::size_t count = 0;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(metric) && line.at(metric.size()) == '{') ++count;
  }
  return count;
}

struct Service {
  StillClock clock;
  Metrics metrics{busy_options(), clock};
};

TEST_CASE("every metric with a producer is shown with its type, and no other", "[metrics]") {
  const auto text = busy_exposition();
  for (const auto& row : metric_table()) {
    INFO(row.name);
    const auto line = "# TYPE " + std::string{row.name} + " " + std::string{name(row.type)} + "\n";
    CHECK((text.find(line) != std::string::npos) == (row.producer != Producer::none));
    CHECK((text.find(std::string{row.name}) != std::string::npos) ==
          (row.producer != Producer::none));
  }
}

TEST_CASE("what was counted is shown under its labels", "[metrics]") {
  const auto text = busy_exposition();
  for (const auto* line : {
           "amdahl_build_info{commit=\"0123abc\",version=\"0.1.0\"} 1\n",
           "amdahl_loop_cycles_total{outcome=\"acted\"} 1\n",
           "amdahl_loop_cycles_total{outcome=\"failed\"} 1\n",
           "amdahl_loop_last_success_timestamp_seconds 1790000000\n",
           "amdahl_loop_phase_duration_seconds_count{phase=\"perform\"} 2\n",
           "amdahl_reconcile_missed_jobs_total{cluster=\"alpha\",source=\"slurm/alpha\"} 1\n",
           "amdahl_webhook_received_total{result=\"stored\",source=\"slurm/alpha\"} 1\n",
           "amdahl_webhook_lag_seconds_sum{result=\"stored\",source=\"slurm/alpha\"} 1.5\n",
           "amdahl_http_requests_total{code=\"202\",method=\"POST\",route=\"/hooks/slurm\"} 1\n",
           "amdahl_sse_clients 4\n",
           "amdahl_ledger_up 1\n",
           "amdahl_ledger_verified_timestamp_seconds 1790000000\n",
           "amdahl_experiments{state=\"discovering\"} 2\n",
           "amdahl_experiment_verdicts_total{verdict=\"win\",mechanism=\"arg\"} 2\n",
           "amdahl_experiment_cost_gpu_seconds_total{cluster=\"alpha\"} 7200\n",
           "amdahl_guardrail_trips_total{guardrail=\"quality\"} 1\n",
           "amdahl_check_votes_total{kind=\"node_swap\",vote=\"uphold\"} 5\n",
           "amdahl_check_duration_seconds_sum{kind=\"node_swap\",vote=\"uphold\"} 412.5\n",
           "amdahl_banked_gpu_seconds_total{cluster=\"alpha\",mechanism=\"arg\"} 36000\n",
           "amdahl_clawed_back_gpu_seconds_total{cluster=\"alpha\",mechanism=\"arg\"} 1.5\n",
           "amdahl_queue_depth{queue=\"runs\"} 7\n",
           "amdahl_queue_oldest_age_seconds{queue=\"deliveries\"} 12.5\n",
       }) {
    CHECK_THAT(text, Contains(line));
  }
}

TEST_CASE("an end that no webhook told is counted once, by the leader", "[metrics]") {
  Service service;
  auto& metrics = service.metrics;
  CHECK(metrics.hooks_args() == nlohmann::json{{"clusters", {"alpha"}}});
  const auto counted = [&] {
    const auto text = metrics.render(std::nullopt);
    const std::string line =
        "amdahl_reconcile_missed_jobs_total{cluster=\"alpha\",source=\"slurm/alpha\"} ";
    const auto at = text.find(line);
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + line.size()));
  };
  CHECK(counted() == 0);
  metrics.hooks(heard(10, "alpha", nullptr), true);
  CHECK(metrics.hooks_args() == nlohmann::json{{"clusters", {"alpha"}}, {"after", 10}});
  metrics.hooks(heard(20, "alpha", 3), true);
  metrics.hooks(heard(20, "alpha", 3), true);  // a second scrape of the same place
  CHECK(counted() == 3);
  metrics.hooks(heard(30, "alpha", 3), false);
  CHECK(counted() == 3);
  CHECK(metrics.hooks_args().at("after") == 30);
}

TEST_CASE("no sender can make series", "[metrics]") {
  Service service;
  auto& metrics = service.metrics;
  for (int i = 0; i < 300; ++i) {
    const auto odd = "odd-" + std::to_string(i);
    metrics.http_request("/" + odd, odd, 1000 + i, 1ms);
    metrics.webhook(odd, odd, 1s);
    metrics.hooks(heard(i + 1, odd, 1), true);
  }
  auto document = busy_document();
  document["after"] = document["checks"] = nullptr;
  for (int i = 0; i < 300; ++i) {
    document["cost"].push_back({{"cluster", "odd-" + std::to_string(i)}, {"gpu_us", 1'000'000}});
  }
  const auto text = metrics.render(ledger_numbers(document).value());
  CHECK_THAT(text, !Contains("odd-"));
  CHECK_THAT(text, Contains("amdahl_http_requests_total{code=\"other\",method=\"other\","
                            "route=\"other\"} 300\n"));
  CHECK_THAT(text, Contains("amdahl_experiment_cost_gpu_seconds_total{cluster=\"other\"} 300\n"));
  CHECK(series(text, "amdahl_webhook_received_total") == 3);
}

TEST_CASE("a request that matched no route is other", "[metrics]") {
  Service service;
  service.metrics.http_request("", "GET", 404, 1ms);
  CHECK_THAT(first_render(service.metrics),
             Contains("{code=\"404\",method=\"GET\",route=\"other\"} 1\n"));
}

TEST_CASE("without an answer of the ledger it is down and its numbers are absent", "[metrics]") {
  Service service;
  make_busy(service.metrics);
  const auto text = service.metrics.render(std::nullopt);
  CHECK_THAT(text, Contains("amdahl_ledger_up 0\n"));
  CHECK_THAT(text, Contains("amdahl_loop_cycles_total"));
  CHECK_THAT(text, !Contains("amdahl_experiments"));
  CHECK_THAT(text, !Contains("amdahl_queue_depth"));
}

TEST_CASE("what is known is at zero before anything happened, and what is not is absent",
          "[metrics]") {
  Service service;
  const auto text = first_render(service.metrics);
  CHECK_THAT(text, Contains("amdahl_loop_cycles_total{outcome=\"acted\"} 0\n"));
  CHECK_THAT(text, Contains("amdahl_webhook_received_total{result=\"stored\","
                            "source=\"generic/beta\"} 0\n"));
  CHECK_THAT(text, Contains("amdahl_banked_gpu_seconds_total{cluster=\"beta\","
                            "mechanism=\"image\"} 0\n"));
  CHECK_THAT(text, Contains("amdahl_guardrail_trips_total{guardrail=\"clocks\"} 0\n"));
  // A time of zero would be half a century ago.
  CHECK_THAT(text, !Contains("amdahl_loop_last_success_timestamp_seconds"));
  CHECK_THAT(text, !Contains("amdahl_ledger_verified_timestamp_seconds"));
}

TEST_CASE("a check that two scrapes saw is counted once", "[metrics]") {
  Service service;
  auto& metrics = service.metrics;
  CHECK(metrics.ledger_args() == nlohmann::json::object());
  auto document = busy_document();
  document["head_seq"] = 100;
  document["after"] = document["checks"] = nullptr;
  CHECK_THAT(metrics.render(ledger_numbers(document).value()),
             Contains("amdahl_check_duration_seconds_count{kind=\"node_swap\","
                      "vote=\"uphold\"} 0\n"));
  CHECK(metrics.ledger_args() == nlohmann::json{{"after", 100}});
  const auto seen = ledger_numbers(busy_document()).value();
  (void)metrics.render(seen);
  CHECK(metrics.ledger_args() == nlohmann::json{{"after", 120}});
  CHECK_THAT(metrics.render(seen),
             Contains("amdahl_check_duration_seconds_count{kind=\"node_swap\","
                      "vote=\"uphold\"} 1\n"));
}

TEST_CASE("a sender whose clock is ahead has no lag below zero", "[metrics]") {
  Service service;
  service.metrics.webhook("slurm/alpha", "stored", -5s);
  CHECK_THAT(
      first_render(service.metrics),
      Contains("amdahl_webhook_lag_seconds_sum{result=\"stored\",source=\"slurm/alpha\"} 0\n"));
}

TEST_CASE("threads may count while others render", "[metrics]") {
  Service service;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        service.metrics.http_request("/healthz", "GET", 200, 1ms);
        if (n % 25 == 0) (void)first_render(service.metrics);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_THAT(first_render(service.metrics),
             Contains("{code=\"200\",method=\"GET\",route=\"/healthz\"} 400\n"));
}

}  // namespace
}  // namespace amdahl::telemetry
