#include "amdahl/http/server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <set>
#include <thread>

#include "connection.hpp"
#include "listen.hpp"
#include "streams.hpp"

namespace amdahl::http {

using asio::ip::tcp;
using boost::system::error_code;
using core::Error;
using core::ErrorCode;
using core::Result;
using Unix = asio::local::stream_protocol;
// Shared: a connection that began with an older certificate goes on with it.
using TlsContext = std::shared_ptr<asio::ssl::context>;

namespace {

Peer peer_of(const tcp::socket& socket) {
  error_code ignored;
  const auto address = socket.remote_endpoint(ignored).address();
  return {
      address.is_loopback() ? Peer::Via::loopback : Peer::Via::network, address.to_string(), {}};
}

Peer peer_of(Unix::socket& socket) {
  ucred who{};
  socklen_t size = sizeof who;
  Peer peer{Peer::Via::unix_socket, "", {}};
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
    peer.uid = who.uid;
  return peer;
}

class BeastServer final : public Server {
 public:
  explicit BeastServer(ServerOptions options)
      : options_{std::move(options)},
        dispatcher_{options_},
        shared_{options_, dispatcher_, false, 0, options_.instance} {}
  ~BeastServer() override { stop(std::chrono::milliseconds{0}); }

  Result<void> open();
  std::uint16_t port() const override { return port_; }
  std::filesystem::path unix_socket() const override { return options_.unix_socket; }
  int connections() const override { return connections_.load(); }
  Result<void> reload_tls(const TlsFiles& files) override;
  void stop(std::chrono::milliseconds patience) override;

 private:
  template <class Protocol>
  asio::awaitable<void> accept(asio::basic_socket_acceptor<Protocol>& acceptor);
  void serve(tcp::socket socket);
  void serve(Unix::socket socket);
  void begin(std::unique_ptr<ByteStream> stream, Peer peer);
  void wind_down(std::promise<void>& idle);

  ServerOptions options_;
  asio::io_context io_{1};
  Dispatcher dispatcher_;
  Shared shared_;
  TlsContext tls_;
  std::optional<tcp::acceptor> tcp_;
  std::optional<Unix::acceptor> unix_;
  std::uint16_t port_ = 0;
  std::set<Closeable*> open_;
  std::atomic<int> connections_{0};
  std::promise<void>* waiting_for_idle_ = nullptr;
  std::thread thread_;
};

Result<void> BeastServer::open() {
  if (!options_.listen.empty()) {
    if (const auto may = check_listen(options_.listen, options_.tls.has_value()); !may)
      return may.error();
    const auto endpoint = parse_listen(options_.listen);
    if (options_.tls) {
      if (const auto loaded = reload_tls(*options_.tls); !loaded) return loaded.error();
    }
    auto acceptor = listen_on(io_, *endpoint);
    if (!acceptor) return acceptor.error();
    tcp_ = std::move(*acceptor);
    error_code ignored;
    port_ = tcp_->local_endpoint(ignored).port();
    asio::co_spawn(io_, accept(*tcp_), asio::detached);
  }
  if (!options_.unix_socket.empty()) {
    auto acceptor = listen_on(io_, options_.unix_socket);
    if (!acceptor && options_.socket_needed) return acceptor.error();
    if (acceptor) {
      unix_ = std::move(*acceptor);
      asio::co_spawn(io_, accept(*unix_), asio::detached);
    } else {
      if (options_.log) options_.log("socket_unavailable", {{"why", acceptor.error().message}});
      options_.unix_socket.clear();
    }
  }
  if (options_.writer != nullptr) options_.writer->live_on(io_);
  thread_ = std::thread{[this] { io_.run(); }};
  return {};
}

Result<void> BeastServer::reload_tls(const TlsFiles& files) {
  auto context = load_tls(files);
  if (!context) return context.error();
  // Shared, as TlsContext says.
  std::atomic_store(&tls_, std::make_shared<asio::ssl::context>(std::move(*context)));
  return {};
}

template <class Protocol>
asio::awaitable<void> BeastServer::accept(asio::basic_socket_acceptor<Protocol>& acceptor) {
  constexpr std::chrono::milliseconds breath{100};  // no file descriptors: wait for some
  asio::steady_timer timer{io_};
  while (!shared_.stopping) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    auto socket = co_await acceptor.async_accept(token);
    if (shared_.stopping) co_return;
    if (error) {
      timer.expires_after(breath);
      co_await timer.async_wait(token);
    } else if (connections_ >= options_.limits.connections) {
      socket.close(error);
    } else {
      serve(std::move(socket));
    }
  }
}

void BeastServer::serve(tcp::socket socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  auto peer = peer_of(socket);
  if (const auto tls = std::atomic_load(&tls_)) {
    begin(tls_stream(std::move(socket), *tls), std::move(peer));
  } else {
    begin(plain_stream(std::move(socket)), std::move(peer));
  }
}

void BeastServer::serve(Unix::socket socket) {
  auto peer = peer_of(socket);
  begin(plain_stream(std::move(socket)), std::move(peer));
}

void BeastServer::begin(std::unique_ptr<ByteStream> stream, Peer peer) {
  // Shared by the coroutine that runs it and the list of what is open.
  auto connection = std::make_shared<Connection>(std::move(stream), std::move(peer), shared_);
  open_.insert(connection.get());
  ++connections_;
  asio::co_spawn(io_, connection->run(), [this, connection](const std::exception_ptr& problem) {
    if (problem && options_.log) options_.log("http_connection_failed", nlohmann::json::object());
    open_.erase(connection.get());
    --connections_;
    if (open_.empty() && waiting_for_idle_ != nullptr)
      std::exchange(waiting_for_idle_, nullptr)->set_value();
  });
}

// On the network thread.
void BeastServer::wind_down(std::promise<void>& idle) {
  shared_.stopping = true;
  error_code ignored;
  if (tcp_) tcp_->close(ignored);
  if (unix_) unix_->close(ignored);
  for (auto* connection : open_) connection->hurry();
  if (open_.empty()) {
    idle.set_value();
  } else {
    waiting_for_idle_ = &idle;
  }
}

void BeastServer::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  if (options_.writer != nullptr) options_.writer->stop(patience);
  std::promise<void> idle;
  auto ended = idle.get_future();
  asio::post(io_, [&] { wind_down(idle); });
  ended.wait_for(patience);
  io_.stop();
  thread_.join();
  dispatcher_.stop();
  if (!options_.unix_socket.empty()) ::unlink(options_.unix_socket.c_str());
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  auto server = std::make_unique<BeastServer>(std::move(options));
  if (const auto opened = server->open(); !opened) return opened.error();
  return std::unique_ptr<Server>{std::move(server)};
}

}  // namespace amdahl::http
