#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/http/hooks.hpp"
#include "amdahl/http/route.hpp"

namespace amdahl::http {

struct ApiOptions {
  std::chrono::milliseconds lease_ttl{15'000};  ///< silence after which nobody leads
  std::string version;
  std::function<std::unique_ptr<Desk>()> open_desk;
  std::function<std::string()> new_key;  ///< random, for commands whose sender gave none
  /// Wakes the loop of this process, if it leads.
  std::function<void()> poke;
  /// The text of a JSON Schema by its name, `amdahl.status/v1`; empty when there is none.
  std::function<std::string_view(std::string_view)> schema;
  /// Why nothing moves, as the last cycle of this process saw it; empty while another leads.
  std::function<std::vector<std::string>()> waiting{};
  /// Clusters whose webhooks are configured, as they are now; without it none is.
  std::function<HookSources::List()> hook_sources{};
  /// What GET /metrics shows; without it there is no such route.
  std::function<std::string(Desk&)> metrics{};
  std::chrono::milliseconds answer_patience{10'000};  ///< for a command's answer, then 202
};

/// Everything that people and programs ask: resources, commands, the live stream, health, and the
/// document that describes them, all from one table.
class Api {
 public:
  explicit Api(ApiOptions options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  std::vector<Route> routes() const;
  /// Clients of the live stream.
  int stream_clients() const;
  /// Ends streams and waiting commands. Idempotent; before the server is destroyed.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// OpenAPI 3.1 of these routes: `GET /openapi.json`.
nlohmann::json openapi_document(const std::vector<Route>& routes, const std::string& version,
                                const std::function<std::string_view(std::string_view)>& schema);

}  // namespace amdahl::http
