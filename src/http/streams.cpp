#include "streams.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/ssl.hpp>

namespace amdahl::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

using TlsStream = beast::ssl_stream<Socket>;

Socket& lowest(Socket& socket) { return socket; }
Socket& lowest(TlsStream& stream) { return stream.next_layer(); }

/// Closes a socket at its deadline. Deadlines are moved with every request and almost never come to
/// pass, so the timer is left where it is for as long as it rings early enough.
class Deadline {
 public:
  explicit Deadline(Socket& socket) : socket_{socket}, timer_{socket.get_executor()} {}

  void never() { at_ = steady_clock::time_point::max(); }
  void after(milliseconds patience) {
    at_ = steady_clock::now() + patience;
    if (at_ < rings_) set();
  }

 private:
  void set() {
    rings_ = at_;
    timer_.expires_at(rings_);
    // It may ring when this is gone already.
    timer_.async_wait([this, there = std::weak_ptr<bool>{there_}](const error_code& error) {
      if (!error && !there.expired()) ring();
    });
  }
  void ring() {
    rings_ = steady_clock::time_point::max();
    if (at_ == rings_) return;
    if (steady_clock::now() < at_) return set();
    error_code ignored;
    socket_.close(ignored);
  }

  Socket& socket_;
  asio::steady_timer timer_;
  std::shared_ptr<bool> there_ = std::make_shared<bool>(true);  // shared with nobody: for weak ones
  steady_clock::time_point at_ = steady_clock::time_point::max();
  steady_clock::time_point rings_ = steady_clock::time_point::max();
};

asio::awaitable<bool> begin(Socket& socket) {
  error_code error;
  socket.non_blocking(true, error);  // for `put`
  co_return !error;
}

asio::awaitable<void> end(Socket& socket) {
  error_code ignored;
  socket.shutdown(asio::socket_base::shutdown_send, ignored);
  co_return;
}

asio::awaitable<bool> begin(TlsStream& stream) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await stream.async_handshake(asio::ssl::stream_base::server, token);
  co_return !error;
}

asio::awaitable<void> end(TlsStream& stream) {
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await stream.async_shutdown(token);
}

using Pieces = std::vector<asio::const_buffer>;

asio::awaitable<void> put(TlsStream& stream, const Pieces& pieces, error_code& error) {
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await asio::async_write(stream, pieces, token);
}

// Almost always there is room for all of it, and then nothing has to be waited for.
asio::awaitable<void> put(Socket& socket, const Pieces& pieces, error_code& error) {
  beast::buffers_suffix<Pieces> rest{pieces};
  rest.consume(socket.write_some(pieces, error));
  if (error == asio::error::would_block) error = {};
  if (error || asio::buffer_size(rest) == 0) co_return;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await asio::async_write(socket, rest, token);
}

template <class Stream>
class StreamOf final : public ByteStream {
 public:
  explicit StreamOf(Stream stream) : stream_{std::move(stream)} {}

  asio::awaitable<bool> shake_hands(milliseconds patience) override {
    expires_after(patience);
    return begin(stream_);
  }
  asio::awaitable<void> say_goodbye(milliseconds patience) override {
    expires_after(patience);
    return end(stream_);
  }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer into, error_code& error) override {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto count = co_await stream_.async_read_some(into, token);
    co_return count;
  }
  asio::awaitable<void> write(Pieces pieces, error_code& error) override {
    co_await put(stream_, pieces, error);
  }

  void expires_after(milliseconds patience) override { deadline_.after(patience); }
  void expires_never() override { deadline_.never(); }
  void cancel() override {
    error_code ignored;
    lowest(stream_).cancel(ignored);
  }
  asio::any_io_executor executor() override { return stream_.get_executor(); }

 private:
  Stream stream_;
  Deadline deadline_{lowest(stream_)};
};

}  // namespace

std::unique_ptr<ByteStream> plain_stream(Socket socket) {
  return std::make_unique<StreamOf<Socket>>(std::move(socket));
}

std::unique_ptr<ByteStream> tls_stream(Socket socket, asio::ssl::context& context) {
  return std::make_unique<StreamOf<TlsStream>>(TlsStream{std::move(socket), context});
}

}  // namespace amdahl::http
