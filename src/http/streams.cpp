#include "streams.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace amdahl::http {

namespace asio = boost::asio;

asio::awaitable<bool> shake_hands(TlsStream& stream, std::chrono::milliseconds patience) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  boost::beast::get_lowest_layer(stream).expires_after(patience);
  co_await stream.async_handshake(asio::ssl::stream_base::server, token);
  co_return !error;
}

asio::awaitable<void> say_goodbye(TlsStream& stream, std::chrono::milliseconds patience) {
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  boost::beast::get_lowest_layer(stream).expires_after(patience);
  co_await stream.async_shutdown(token);
}

asio::awaitable<bool> shake_hands(PlainStream&, std::chrono::milliseconds) { co_return true; }

asio::awaitable<void> say_goodbye(PlainStream& stream, std::chrono::milliseconds) {
  boost::system::error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  co_return;
}

}  // namespace amdahl::http
