#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/http/delivery_writer.hpp"
#include "amdahl/http/route.hpp"

namespace amdahl::http {

struct TlsFiles {
  std::filesystem::path certificate;  ///< PEM, the chain
  std::filesystem::path key;          ///< PEM
};

/// Whether a service could use these files, without listening: when the leaf's certificate expires.
core::Result<core::WallTime> check_tls(const TlsFiles& files);

/// Whether a service may listen there: an address that others reach needs TLS. Empty = nowhere.
core::Result<void> check_listen(std::string_view listen, bool tls);

/// What one request was, for metrics and log.
struct Served {
  const Request& request;
  std::string_view route;  ///< the pattern; empty when none matched
  int status = 0;
  std::chrono::microseconds took{0};
};

struct Limits {
  std::size_t header_bytes = 16 << 10;
  std::size_t body_bytes = 1 << 20;
  int connections = 2'048;           ///< streams included
  int waiting = 512;                 ///< requests that wait for a worker; more are 503
  double requests_per_second = 500;  ///< of one address or token, hooks apart
  std::chrono::milliseconds header_time{10'000};
  std::chrono::milliseconds body_time{20'000};
  std::chrono::milliseconds idle_time{60'000};    ///< between requests of one connection
  std::chrono::milliseconds answer_time{30'000};  ///< for a worker
  std::chrono::milliseconds write_time{20'000};   ///< for a peer that reads slowly
  std::chrono::milliseconds heartbeat{15'000};    ///< until a stream without news says a comment
};

struct ServerOptions {
  std::string listen;                   ///< `127.0.0.1:7717`; port 0 = any; empty = no TCP
  std::string instance;                 ///< distinguishes the requests of this process in logs
  std::filesystem::path unix_socket{};  ///< empty = none
  bool socket_needed = true;            ///< false: where it cannot be had, that is logged
  std::optional<TlsFiles> tls{};        ///< needed for an address that is not loopback
  int workers = 4;
  Limits limits{};
  std::vector<Route> routes{};
  std::function<std::unique_ptr<Desk>()> open_desk;  ///< one for each worker
  /// Lives on the network thread (`live_on`) and is stopped with the server, which it outlives.
  DeliveryWriter* writer = nullptr;
  std::function<void(const Served&)> on_served{};  ///< from any thread
  std::function<void(std::string_view, const nlohmann::json&)> log{};
};

/// The HTTP side of the service: threads of its own, nothing shared with the loop but the ledger.
class Server {
 public:
  /// Listens. Errors: the address is in use, or public without TLS; the certificate does not fit.
  static core::Result<std::unique_ptr<Server>> start(ServerOptions options);
  virtual ~Server() = default;

  virtual std::uint16_t port() const = 0;
  virtual std::filesystem::path unix_socket() const = 0;  ///< empty = none
  virtual int connections() const = 0;
  /// Reads certificate and key anew; the old ones stay when that fails.
  virtual core::Result<void> reload_tls(const TlsFiles& files) = 0;
  /// Accepts nothing new, lets what is under way end until `patience`, then closes. Idempotent.
  virtual void stop(std::chrono::milliseconds patience) = 0;
};

}  // namespace amdahl::http
