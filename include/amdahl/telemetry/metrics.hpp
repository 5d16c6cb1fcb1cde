#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/telemetry/ledger_numbers.hpp"

namespace amdahl::telemetry {

using Seconds = std::chrono::duration<double>;

/// What labels may say; anything else is shown as `other`, so that no sender makes series.
struct MetricsOptions {
  std::string version;
  std::string commit = "unknown";
  std::vector<std::string> clusters;  ///< configured ones
  std::vector<std::string> sources;   ///< of webhooks, as in `Delivery::source`: `slurm/alpha`
  std::vector<std::string> routes;    ///< patterns
  /// Clusters whose webhooks are taken, and the source that tells of their ends.
  std::map<std::string, std::string> heard{};
};

enum class CycleOutcome { acted, idle, failed };

struct CycleTimes {
  Seconds look{0};
  Seconds plan{0};
  Seconds perform{0};
};

/// All metrics of the service (metric_table.hpp), as Prometheus reads them. Thread-safe.
class Metrics {
 public:
  Metrics(MetricsOptions options, core::Clock& clock);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// `route`: the pattern; empty when none matched.
  void http_request(std::string_view route, std::string_view method, int status, Seconds took);
  void sse_clients(int now);
  /// `result`: one of `webhook_results()`. `lag`: where the sender dated its event.
  void webhook(std::string_view source, std::string_view result, std::optional<Seconds> lag);
  /// `times`: none where the cycle failed.
  void cycle(CycleOutcome outcome, const std::optional<CycleTimes>& times);
  void ledger_write(Seconds took);
  /// The hash chain was verified, now.
  void ledger_verified();
  /// From now on webhooks of these clusters are taken (`MetricsOptions::heard`).
  void hear(std::map<std::string, std::string> heard);
  /// Arguments for the read model `hooks`; null where no webhook is taken.
  nlohmann::json hooks_args() const;
  /// What `hooks` answered: ends that no webhook told. `count` = false: somebody else counts them.
  void hooks(const nlohmann::json& document, bool count);

  /// Arguments for the read model `metrics`.
  nlohmann::json ledger_args() const;
  /// The exposition, text format 0.0.4. Without numbers the ledger did not answer.
  std::string render(const std::optional<LedgerNumbers>& numbers);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// The content type of what `render` answers.
inline constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

/// stored, duplicate, bad_signature, stale, too_large, malformed, unsupported, forbidden, limited,
/// unavailable, switched_off
const std::vector<std::string>& webhook_results();

}  // namespace amdahl::telemetry
