#include "streams.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>

namespace amdahl::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

using PlainStream = beast::basic_stream<asio::generic::stream_protocol>;
using TlsStream = beast::ssl_stream<PlainStream>;

asio::awaitable<bool> begin(PlainStream&) { co_return true; }

asio::awaitable<void> end(PlainStream& stream) {
  error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
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
  asio::awaitable<void> write(std::vector<asio::const_buffer> pieces, error_code& error) override {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await asio::async_write(stream_, pieces, token);
  }

  void expires_after(milliseconds patience) override { lowest().expires_after(patience); }
  void expires_never() override { lowest().expires_never(); }
  void cancel() override { lowest().cancel(); }
  asio::any_io_executor executor() override { return stream_.get_executor(); }

 private:
  PlainStream& lowest() { return beast::get_lowest_layer(stream_); }

  Stream stream_;
};

}  // namespace

std::unique_ptr<ByteStream> plain_stream(Socket socket) {
  return std::make_unique<StreamOf<PlainStream>>(PlainStream{std::move(socket)});
}

std::unique_ptr<ByteStream> tls_stream(Socket socket, asio::ssl::context& context) {
  return std::make_unique<StreamOf<TlsStream>>(TlsStream{PlainStream{std::move(socket)}, context});
}

}  // namespace amdahl::http
