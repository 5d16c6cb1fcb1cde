#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "amdahl/http/api.hpp"
#include "amdahl/http/hooks.hpp"
#include "amdahl/http/server.hpp"
#include "amdahl/telemetry/metrics.hpp"
#include "command.hpp"
#include "config.hpp"
#include "waker.hpp"

namespace amdahl::cli {

/// The Unix socket of the service that this configuration is of.
std::filesystem::path service_socket(const Environment& env, const Config& config);

/// The service's HTTP side, put together from the configuration: API, hooks, stream, metrics.
class ServiceDoors {
 public:
  using Log = std::function<void(std::string_view, const nlohmann::json&)>;

  static core::Result<std::unique_ptr<ServiceDoors>> open(Context& context, const Config& config,
                                                          std::string ledger_url, Log log,
                                                          std::function<bool()> disturbed);
  ~ServiceDoors();
  ServiceDoors(const ServiceDoors&) = delete;
  ServiceDoors& operator=(const ServiceDoors&) = delete;

  Waker& waker() { return waker_; }
  telemetry::Metrics& metrics() { return *metrics_; }
  /// Whether this process leads: what a leader counts, others do not count again.
  void set_leading(bool leads) { leads_ = leads; }
  /// After each cycle of this process; empty when it no longer leads.
  void set_waiting(std::vector<std::string> waiting);
  /// Reads the secrets of hooks and the TLS files anew; all the old ones stay when that fails.
  core::Result<void> reload(const Config& config);
  std::uint16_t port() const { return server_->port(); }
  /// What is being answered may end until `patience` is over.
  void close(std::chrono::milliseconds patience);

 private:
  ServiceDoors(std::string ledger_url, std::function<bool()> disturbed);
  std::vector<http::Route> hook_doors(core::Clock& clock);
  http::ApiOptions api_options(const Config& config);
  std::string exposition(http::Desk& desk);

  std::string ledger_url_;
  std::mutex waiting_mutex_;
  std::vector<std::string> waiting_;
  std::atomic<bool> leads_{false};
  Waker waker_;
  std::unique_ptr<telemetry::Metrics> metrics_;
  http::HookSources sources_;
  std::unique_ptr<http::DeliveryWriter> writer_;
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace amdahl::cli
