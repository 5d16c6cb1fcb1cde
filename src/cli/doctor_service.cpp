#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "amdahl/http/server.hpp"
#include "doctor_check.hpp"
#include "service_doors.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

constexpr timeval answer_patience{5, 0};
constexpr std::size_t answer_bytes_max = 64 << 10;
constexpr int expiry_warning_days = 14;

class Door {
 public:
  explicit Door(int family) : door_{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    ::setsockopt(door_, SOL_SOCKET, SO_RCVTIMEO, &answer_patience, sizeof answer_patience);
    ::setsockopt(door_, SOL_SOCKET, SO_SNDTIMEO, &answer_patience, sizeof answer_patience);
  }
  ~Door() {
    if (door_ >= 0) ::close(door_);
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  template <class Address>
  bool connect(const Address& address) {
    return door_ >= 0 &&
           ::connect(door_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool send(std::string_view text) {
    return ::send(door_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // To its end, or as much as comes in time.
  std::string receive() {
    std::string all;
    std::array<char, 4096> part{};
    while (all.size() < answer_bytes_max) {
      const auto size = ::recv(door_, part.data(), part.size(), 0);
      if (size <= 0) break;
      all.append(part.data(), static_cast<std::size_t>(size));
    }
    return all;
  }

 private:
  int door_;
};

// The version that the service says it is.
Result<std::string> ask_version(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.string().size() >= sizeof address.sun_path)
    return Error{ErrorCode::invalid_config, socket.string() + ": too long for a socket",
                 "set service.socket to a shorter one"};
  std::memcpy(address.sun_path, socket.c_str(), socket.string().size());
  Door door{AF_UNIX};
  if (!door.connect(address)) {
    const int why = errno;
    const auto* fix = why == EACCES ? "ask as root, as the service's user or one of its group"
                                    : "amdahl serve, or systemctl start amdahl";
    return Error{ErrorCode::unreachable,
                 fmt::format("nobody answers at {}: {}", socket.string(), std::strerror(why)), fix};
  }
  const auto answer =
      door.send("GET /healthz HTTP/1.1\r\nHost: amdahl\r\nConnection: close\r\n\r\n")
          ? door.receive()
          : std::string{};
  const auto body = answer.find("\r\n\r\n");
  const auto health =
      body == std::string::npos ? json{} : json::parse(answer.substr(body), nullptr, false);
  if (health.is_object()) return health.value("version", "unknown");
  return Error{ErrorCode::unreachable,
               fmt::format("{} took the connection and did not answer within 5 s", socket.string()),
               "systemctl restart amdahl: runs go on meanwhile"};
}

// Whether somebody listens on `port` of this machine; only a loopback address is asked.
bool somebody_listens(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Door door{AF_INET};
  return door.connect(address);
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
  if (port != 0 && answers_on_loopback(config.listen) && !somebody_listens(port)) {
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
