#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::http_client {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Where a service listens: `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:/PATH`.
struct ServiceAddress {
  enum class Via { unix_socket, tcp, tls } via = Via::unix_socket;
  std::string host;  ///< the path of a Unix socket
  std::string port;

  std::string text() const;
  /// Nothing that is sent leaves this machine.
  bool is_local() const;
};
core::Result<ServiceAddress> parse_service_address(std::string_view text);

struct ClientOptions {
  ServiceAddress address;
  std::string token;              ///< empty = none
  std::filesystem::path ca_file;  ///< PEM; empty = what the system trusts
  std::string ca{};               ///< the same as text; goes before the file
  std::chrono::milliseconds connect_within{3'000};
  std::chrono::milliseconds answer_within{30'000};
  std::chrono::milliseconds silence_max{45'000};  ///< of a stream: three heartbeats
  std::size_t answer_bytes_max = 16 << 20;
  /// Called when the connection stands, before the first byte of a request leaves: from here on a
  /// request without an answer may have arrived.
  std::function<void()> on_sending{};
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;  ///< path and query, percent-encoded
  Fields headers{};
  std::string body{};  ///< JSON
};

struct ClientAnswer {
  int status = 0;
  std::string content_type;
  std::string body;  ///< of a stream that was read: empty
};

/// What listens to a stream: its lines as they come, and whether it still wants more, asked at
/// least ten times a second.
struct LineListener {
  std::function<bool(std::string_view line)> on_line;  ///< false = enough
  std::function<bool()> go_on;
};

/// Asks a service. Synchronous, one connection for each request; everything has a deadline and
/// nothing is thrown. Not thread-safe.
class Client {
 public:
  explicit Client(ClientOptions options) : options_{std::move(options)} {}
  const ClientOptions& options() const { return options_; }

  core::Result<ClientAnswer> ask(const ClientRequest& request) const;
  /// Reads a body without end until it ends or the listener has enough. Any status but 200 is
  /// answered as by `ask`.
  core::Result<ClientAnswer> listen(const ClientRequest& request,
                                    const LineListener& listener) const;

 private:
  ClientOptions options_;
};

/// `a b/c` → `a%20b%2Fc`: one segment of a path, or a value of a query.
std::string percent_encoded(std::string_view text);

}  // namespace amdahl::http_client
