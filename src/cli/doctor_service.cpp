#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "amdahl/http/server.hpp"
#include "amdahl/http_client/client.hpp"
#include "doctor_check.hpp"
#include "service_doors.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;
using Tcp = boost::asio::ip::tcp;

constexpr std::chrono::milliseconds answer_patience{5'000};
constexpr int expiry_warning_days = 14;

// Why nobody takes a connection there; nothing where somebody does.
template <class Protocol>
boost::system::error_code refused_at(const typename Protocol::endpoint& endpoint) {
  boost::asio::io_context io;
  typename Protocol::socket probe{io};
  boost::system::error_code refused;
  probe.connect(endpoint, refused);
  return refused;
}

// The version that the service says it is.
Result<std::string> ask_version(const std::filesystem::path& socket) {
  using Unix = boost::asio::local::stream_protocol;
  if (const auto refused = refused_at<Unix>(Unix::endpoint{socket.string()})) {
    const bool closed = refused == boost::system::errc::permission_denied;
    return Error{ErrorCode::unreachable,
                 fmt::format("nobody answers at {}: {}", socket.string(), refused.message()),
                 closed ? "ask as root, as the service's user or one of its group"
                        : "amdahl serve, or systemctl start amdahl"};
  }
  http_client::ClientOptions options;
  options.address.host = socket.string();
  options.connect_within = options.answer_within = answer_patience;
  const auto answer = http_client::Client{std::move(options)}.ask({"GET", "/healthz"});
  if (!answer) {
    return Error{ErrorCode::unreachable,
                 fmt::format("{} took the connection and did not answer: {}", socket.string(),
                             answer.error().message),
                 "systemctl restart amdahl: runs go on meanwhile"};
  }
  const auto health = json::parse(answer->body, nullptr, false);
  if (health.is_object()) return health.value("version", "unknown");
  return Error{
      ErrorCode::unreachable,
      fmt::format("{} is no service of amdahl: it answers {}", socket.string(), answer->status),
      "does another program have this socket? set service.socket"};
}

std::uint16_t port_of(const std::string& listen) {
  return static_cast<std::uint16_t>(std::stoi(listen.substr(listen.rfind(':') + 1)));
}

// The loopback address and the one for all: others this machine may not be able to ask.
bool answers_on_loopback(const std::string& listen) {
  return listen.starts_with("127.0.0.1:") || listen.starts_with("0.0.0.0:");
}

}  // namespace

Check check_service(const Environment& env, const Config& config) {
  const auto socket = service_socket(env, config);
  std::error_code ignored;
  if (!std::filesystem::exists(socket, ignored)) return {};
  const auto version = ask_version(socket);
  if (!version) return {Check::Result::failure, "", version.error().message, version.error().hint};
  if (*version != AMDAHL_VERSION) {
    return {Check::Result::warning, "",
            fmt::format("version {} runs, and this is {}", *version, AMDAHL_VERSION),
            "restart the service: runs go on meanwhile"};
  }
  const auto port = port_of(config.listen);
  if (port != 0 && answers_on_loopback(config.listen) &&
      refused_at<Tcp>({boost::asio::ip::address_v4::loopback(), port})) {
    return {Check::Result::failure, "",
            fmt::format("the service answers at {}, but does not listen on {}", socket.string(),
                        config.listen),
            "restart it: service.listen was changed since it started"};
  }
  return {Check::Result::pass, "",
          fmt::format("version {} answers at {}", *version, socket.string()), ""};
}

Check check_certificate(core::Clock& clock, const Config& config) {
  if (config.tls_certificate.empty() && config.tls_key.empty()) return {};
  if (config.tls_certificate.empty() || config.tls_key.empty()) {
    return {Check::Result::failure, "",
            "of service.tls_certificate and service.tls_key only one is set", "set both or none"};
  }
  const auto expires = http::check_tls({config.tls_certificate, config.tls_key});
  if (!expires) return {Check::Result::failure, "", expires.error().message, expires.error().hint};
  const auto left = std::chrono::floor<std::chrono::days>(*expires - clock.now()).count();
  const auto file = config.tls_certificate.string();
  const auto* renew = "renew it, then systemctl reload amdahl (SIGHUP)";
  if (left < 0) return {Check::Result::failure, "", fmt::format("{} expired", file), renew};
  const auto text = fmt::format("{} expires in {} days", file, left);
  if (left < expiry_warning_days) return {Check::Result::warning, "", text, renew};
  return {Check::Result::pass, "", text, ""};
}

}  // namespace amdahl::cli
