#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/http/delivery_writer.hpp"
#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// Who may deliver for one cluster. Its secrets and its token open every door, whatever the
/// adapter.
struct HookSource {
  std::string cluster;
  std::vector<std::string> secrets{};  ///< bytes; several live while they rotate
  std::string url_token{};             ///< of the unsigned doors; empty = they are closed
  bool enabled = true;                 ///< false: authentic deliveries are answered 410
};

/// The sources as configured now; a reload replaces them while the doors are open. Thread-safe.
class HookSources {
 public:
  // Shared: a request that began with the old sources ends with them.
  using List = std::shared_ptr<const std::vector<HookSource>>;

  explicit HookSources(std::vector<HookSource> sources = {}) { replace(std::move(sources)); }
  void replace(std::vector<HookSource> sources);
  List current() const;

 private:
  mutable std::mutex mutex_;
  List list_;
};

/// One request to a door, once it is answered. Every label is bounded by the configuration.
struct HookReceipt {
  std::string source;             ///< `slurm/alpha`; the door alone while the cluster is unknown
  std::string_view result;        ///< one of telemetry::webhook_results()
  std::optional<double> lag_s{};  ///< since it was signed; unknown on the unsigned doors
};

/// Every source that deliveries of a cluster may come from: `slurm/alpha`,
/// `kubernetes-events/alpha` …
std::vector<std::string> delivery_sources(const std::string& cluster);

/// What the doors need. Both references outlive the routes.
struct HookOptions {
  HookSources& sources;
  DeliveryWriter& writer;
  std::function<std::int64_t()> now_s;                    ///< Unix seconds
  std::function<void(const HookReceipt&)> on_received{};  ///< from any thread
};

/// `/hooks/slurm`, `/hooks/kubernetes`, `/hooks/generic` (and its OPTIONS) and
/// `/hooks/slurm-es/{token}/_doc`, all `immediate`.
std::vector<Route> hook_routes(HookOptions options);

}  // namespace amdahl::http
