#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>

#include "amdahl/core/quantity.hpp"
#include "amdahl/http_client/client.hpp"

namespace amdahl::http_client {

using core::Result;

namespace {

constexpr std::string_view default_port = "7717";

core::Error no_address(std::string_view text) {
  return core::invalid_input(
      fmt::format("\"{}\" is no address of a service", text),
      "like https://loop.example:7717, http://127.0.0.1:7717 or unix:/run/amdahl/amdahl.sock");
}

}  // namespace

std::string ServiceAddress::text() const {
  if (via == Via::unix_socket) return "unix:" + host;
  const auto* scheme = via == Via::tls ? "https" : "http";
  return host.find(':') == std::string::npos ? fmt::format("{}://{}:{}", scheme, host, port)
                                             : fmt::format("{}://[{}]:{}", scheme, host, port);
}

bool ServiceAddress::is_local() const {
  if (via == Via::unix_socket || host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

Result<ServiceAddress> parse_service_address(std::string_view text) {
  auto rest = text;
  const auto skip = [&](std::string_view prefix) {
    const bool there = rest.starts_with(prefix);
    if (there) rest.remove_prefix(prefix.size());
    return there;
  };
  ServiceAddress address;
  if (skip("unix:")) {
    constexpr std::size_t path_max = 107;  // sun_path, with its zero
    if (!rest.starts_with('/') || rest.size() > path_max) return no_address(text);
    address.host = std::string{rest};
    return address;
  }
  address.via = skip("https://") ? ServiceAddress::Via::tls : ServiceAddress::Via::tcp;
  if (address.via == ServiceAddress::Via::tcp && !skip("http://")) return no_address(text);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  auto host = rest.substr(0, colon);
  if (bracket != std::string_view::npos) {
    if (!host.ends_with(']')) return no_address(text);
    host = host.substr(1, host.size() - 2);
  }
  const auto port = colon == std::string_view::npos ? default_port : rest.substr(colon + 1);
  const auto number = core::parse_whole(port);
  constexpr std::int64_t port_max = 65'535;
  constexpr std::size_t host_max = 253;
  const bool is_host = !host.empty() && host.size() <= host_max &&
                       host.find_first_of("/@?#% \t\r\n") == std::string_view::npos;
  if (!is_host || !number || *number < 1 || *number > port_max) return no_address(text);
  address.host = std::string{host};
  address.port = std::string{port};
  return address;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view{"-._~"}.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace amdahl::http_client
