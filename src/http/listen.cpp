#include "listen.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <ctime>

#include "parameters.hpp"

namespace amdahl::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using core::Error;
using core::ErrorCode;
using core::Result;
using Unix = asio::local::stream_protocol;

namespace {

constexpr std::size_t socket_path_max = 107;  // sun_path, with its zero
constexpr int backlog = 1024;

Error cannot_listen(const std::string& where, const error_code& error) {
  const bool taken = error == asio::error::address_in_use;
  return {ErrorCode::conflict, fmt::format("cannot listen on {}: {}", where, error.message()),
          taken ? "does another service run here? set service.listen to another port" : ""};
}

}  // namespace

Result<tcp::endpoint> parse_listen(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto bad = [&] {
    return Error{ErrorCode::invalid_config,
                 fmt::format("service.listen: \"{}\" is no address and port", text),
                 "write it like 127.0.0.1:7717 or [::1]:7717"};
  };
  if (colon == std::string_view::npos) return bad();
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = whole_number(text.substr(colon + 1));
  constexpr std::int64_t port_max = 65'535;
  error_code error;
  const auto address = asio::ip::make_address(std::string{host}, error);
  if (error || !port || *port > port_max) return bad();
  return tcp::endpoint{address, static_cast<std::uint16_t>(*port)};
}

Result<void> check_listen(std::string_view listen, bool tls) {
  if (listen.empty()) return {};
  const auto endpoint = parse_listen(listen);
  if (!endpoint) return endpoint.error();
  if (endpoint->address().is_loopback() || tls) return {};
  return Error{
      ErrorCode::invalid_config,
      fmt::format("service.listen: {} can be reached from other machines, and there is no TLS",
                  listen),
      "set service.tls_certificate and service.tls_key, or listen on 127.0.0.1"};
}

Result<tcp::acceptor> listen_on(asio::io_context& io, const tcp::endpoint& endpoint) {
  const auto where = fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
  tcp::acceptor acceptor{io};
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(backlog, error);
  if (error) return cannot_listen(where, error);
  return acceptor;
}

Result<Unix::acceptor> listen_on(asio::io_context& io, const std::filesystem::path& socket) {
  if (socket.string().size() > socket_path_max) {
    return Error{
        ErrorCode::invalid_config,
        fmt::format("the socket's path is over {} bytes: {}", socket_path_max, socket.string()),
        "set service.socket to a shorter one"};
  }
  error_code error;
  Unix::socket probe{io};
  probe.connect(Unix::endpoint{socket.string()}, error);
  if (!error) return cannot_listen(socket.string(), asio::error::address_in_use);
  if (error == asio::error::connection_refused) ::unlink(socket.c_str());
  std::error_code ignored;
  std::filesystem::create_directories(socket.parent_path(), ignored);
  Unix::acceptor acceptor{io};
  acceptor.open(Unix{}, error);
  if (!error) acceptor.bind(Unix::endpoint{socket.string()}, error);
  constexpr mode_t owner_and_group = 0660;
  if (!error) ::chmod(socket.c_str(), owner_and_group);
  if (!error) acceptor.listen(backlog, error);
  if (error) return cannot_listen(socket.string(), error);
  return acceptor;
}

Result<asio::ssl::context> load_tls(const TlsFiles& files) {
  asio::ssl::context context{asio::ssl::context::tls_server};
  error_code error;
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
  const auto bad = [&](const std::filesystem::path& file) {
    return Error{ErrorCode::invalid_config, fmt::format("{}: {}", file.string(), error.message()),
                 "PEM files: the chain, leaf first, and its private key"};
  };
  context.use_certificate_chain_file(files.certificate.string(), error);
  if (error) return bad(files.certificate);
  context.use_private_key_file(files.key.string(), asio::ssl::context::pem, error);
  if (error) return bad(files.key);
  return context;
}

Result<core::WallTime> check_tls(const TlsFiles& files) {
  auto context = load_tls(files);
  if (!context) return context.error();
  const auto* leaf = SSL_CTX_get0_certificate(context->native_handle());
  std::tm expires{};
  if (leaf == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &expires) != 1) {
    return Error{ErrorCode::invalid_config,
                 fmt::format("{}: no date of expiry", files.certificate.string()),
                 {}};
  }
  return core::WallTime{std::chrono::seconds{::timegm(&expires)}};
}

}  // namespace amdahl::http
