#include "amdahl/http_client/client.hpp"

#include <fmt/format.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace amdahl::http_client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = beast::http;
using boost::system::error_code;
using core::Error;
using core::ErrorCode;
using core::Result;
using Via = ServiceAddress::Via;
// TCP and Unix sockets: one type, since all that reads and writes is compiled for each.
using PlainStream = beast::basic_stream<asio::generic::stream_protocol>;
using TlsStream = beast::ssl_stream<PlainStream>;
using AnswerParser = wire::response_parser<wire::string_body>;

namespace {

constexpr std::uint32_t answer_header_max = 64 << 10;
constexpr std::size_t line_bytes_max = 1 << 20;
constexpr std::chrono::milliseconds look_around{100};

// Runs one step to its end; the expiry of its stream bounds it.
template <class Start>
error_code finished(asio::io_context& io, Start start) {
  error_code result = asio::error::operation_aborted;
  start([&result](const error_code& error, const auto&...) { result = error; });
  io.restart();
  io.run();
  return result;
}

// A name that is slow to resolve is bounded by the system's resolver, all else by our deadline.
error_code reach(asio::io_context& io, PlainStream& stream, const ClientOptions& options) {
  std::vector<asio::generic::stream_protocol::endpoint> endpoints;
  const auto& address = options.address;
  if (address.via == Via::unix_socket) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint{address.host});
  } else {
    asio::ip::tcp::resolver resolver{io};
    error_code error;
    const auto found = resolver.resolve(address.host, address.port, error);
    if (error) return error;
    for (const auto& each : found) endpoints.emplace_back(each.endpoint());
  }
  stream.expires_after(options.connect_within);
  return finished(io, [&](auto done) { stream.async_connect(endpoints, done); });
}

error_code reach(asio::io_context& io, TlsStream& stream, const ClientOptions& options) {
  auto& socket = beast::get_lowest_layer(stream);
  if (const auto error = reach(io, socket, options)) return error;
  const auto& host = options.address.host;
  error_code is_name;
  (void)asio::ip::make_address(host, is_name);
  std::string shown = host;  // SNI
  if (is_name)
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             shown.data());
  error_code error;
  stream.set_verify_mode(asio::ssl::verify_peer, error);
  if (!error) stream.set_verify_callback(asio::ssl::host_name_verification{host}, error);
  if (error) return error;
  return finished(io,
                  [&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, done); });
}

wire::request<wire::string_body> message_of(const ClientOptions& options,
                                            const ClientRequest& request) {
  wire::request<wire::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  const bool local = options.address.via == Via::unix_socket;
  const auto& host = options.address.host;
  const auto shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  message.set(wire::field::host, local ? "localhost" : shown + ":" + options.address.port);
  message.set(wire::field::user_agent, "amdahl");
  message.set(wire::field::connection, "close");
  if (!options.token.empty()) message.set(wire::field::authorization, "Bearer " + options.token);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  if (!request.body.empty()) {
    message.set(wire::field::content_type, "application/json");
    message.body() = request.body;
  }
  if (!request.body.empty() || request.method == "POST") message.prepare_payload();
  return message;
}

// Whole lines out of pieces; false: the listener has enough, or a line has no end.
class LineCutter {
 public:
  explicit LineCutter(const LineListener& listener) : listener_{listener} {}

  bool feed(const std::string& piece) {
    held_ += piece;
    std::size_t from = 0;
    for (auto end = held_.find('\n'); end != std::string::npos; end = held_.find('\n', from)) {
      std::string_view line{held_.data() + from, end - from};
      if (line.ends_with('\r')) line.remove_suffix(1);
      from = end + 1;
      if (!listener_.on_line(line)) return false;
    }
    held_.erase(0, from);
    return held_.size() <= line_bytes_max;
  }

 private:
  const LineListener& listener_;
  std::string held_;
};

// One request and its answer on one connection.
template <class Stream>
class Exchange {
 public:
  Exchange(asio::io_context& io, Stream& stream, const ClientOptions& options)
      : io_{io}, stream_{stream}, options_{options} {
    parser_.body_limit(options_.answer_bytes_max);
    parser_.header_limit(answer_header_max);
  }

  Result<ClientAnswer> run(const ClientRequest& request, const LineListener* listener) {
    if (const auto error = reach(io_, stream_, options_)) return not_reached(error);
    auto& socket = beast::get_lowest_layer(stream_);
    socket.expires_after(options_.answer_within);
    const auto message = message_of(options_, request);
    if (options_.on_sending) options_.on_sending();
    auto error = finished(io_, [&](auto done) { wire::async_write(stream_, message, done); });
    // Who refuses early answers without reading all: that answer counts.
    const auto read =
        finished(io_, [&](auto done) { wire::async_read_header(stream_, buffer_, parser_, done); });
    if (read) return broken(error ? error : read);
    constexpr int fine = 200;
    const bool listens = listener != nullptr && parser_.get().result_int() == fine;
    error = listens ? listen(*listener) : finished(io_, [&](auto done) {
      wire::async_read(stream_, buffer_, parser_, done);
    });
    if (error) return broken(error);
    const auto& answer = parser_.get();
    return ClientAnswer{static_cast<int>(answer.result_int()),
                        std::string{answer[wire::field::content_type]}, answer.body()};
  }

 private:
  error_code listen(const LineListener& listener) {
    parser_.body_limit(boost::none);
    LineCutter lines{listener};
    while (!parser_.is_done()) {
      beast::get_lowest_layer(stream_).expires_after(options_.silence_max);
      error_code error;
      if (!read_some(listener, error)) return {};
      const auto piece = std::exchange(parser_.get().body(), {});
      if (!lines.feed(piece)) return {};
      if (error) return error == wire::error::end_of_stream ? error_code{} : error;
    }
    return {};
  }

  // False: the listener wants no more.
  bool read_some(const LineListener& listener, error_code& error) {
    bool done = false;
    wire::async_read_some(stream_, buffer_, parser_, [&](const error_code& result, std::size_t) {
      error = result;
      done = true;
    });
    io_.restart();
    while (!done) {
      io_.run_for(look_around);
      if (done || listener.go_on()) continue;
      beast::get_lowest_layer(stream_).cancel();
      io_.restart();
      io_.run();
      return false;
    }
    return true;
  }

  Error not_reached(const error_code& error) const {
    const bool tls = error.category() == asio::error::get_ssl_category();
    return {ErrorCode::unreachable,
            fmt::format("no service answers at {}: {}", options_.address.text(), error.message()),
            tls ? "is its certificate of this name, and from a CA of client.ca_file?"
                : "is amdahl serve running there?"};
  }

  Error broken(const error_code& error) const {
    if (error == wire::error::body_limit || error == wire::error::header_limit)
      return {ErrorCode::failed,
              fmt::format("the answer of {} is over {} bytes", options_.address.text(),
                          options_.answer_bytes_max),
              "ask for less: --limit"};
    return {ErrorCode::unreachable,
            fmt::format("the service at {} gave no whole answer: {}", options_.address.text(),
                        error == beast::error::timeout ? "it took too long" : error.message()),
            "amdahl doctor, where it runs"};
  }

  asio::io_context& io_;
  Stream& stream_;
  const ClientOptions& options_;
  beast::flat_buffer buffer_{answer_header_max + (64 << 10)};
  AnswerParser parser_;
};

Result<asio::ssl::context> trusting(const ClientOptions& options) {
  asio::ssl::context context{asio::ssl::context::tls_client};
  error_code error;
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
  if (!options.ca.empty()) {
    context.add_certificate_authority(asio::buffer(options.ca), error);
  } else if (options.ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(options.ca_file.string(), error);
  }
  if (error)
    return Error{ErrorCode::invalid_config,
                 fmt::format("client.ca_file {}: {}", options.ca_file.string(), error.message()),
                 "a PEM file of the CA that signed the service's certificate"};
  return context;
}

Result<ClientAnswer> exchange(const ClientOptions& options, const ClientRequest& request,
                              const LineListener* listener) {
  asio::io_context io;
  if (options.address.via != Via::tls) {
    PlainStream stream{io};
    return Exchange{io, stream, options}.run(request, listener);
  }
  auto context = trusting(options);
  if (!context) return context.error();
  TlsStream stream{PlainStream{io}, *context};
  return Exchange{io, stream, options}.run(request, listener);
}

// What Asio still throws (no file descriptor left) is an answer like any other.
Result<ClientAnswer> guarded(const ClientOptions& options, const ClientRequest& request,
                             const LineListener* listener) {
  try {
    return exchange(options, request, listener);
  } catch (const boost::system::system_error& error) {
    return Error{ErrorCode::unreachable,
                 fmt::format("cannot ask {}: {}", options.address.text(), error.what()), ""};
  }
}

}  // namespace

Result<ClientAnswer> Client::ask(const ClientRequest& request) const {
  return guarded(options_, request, nullptr);
}

Result<ClientAnswer> Client::listen(const ClientRequest& request,
                                    const LineListener& listener) const {
  return guarded(options_, request, &listener);
}

}  // namespace amdahl::http_client
