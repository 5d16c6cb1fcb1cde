#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>

/// The three kinds of byte streams that connections read, and how each begins and ends.
namespace amdahl::http {

using TcpStream = boost::beast::tcp_stream;
using UnixStream = boost::beast::basic_stream<boost::asio::local::stream_protocol>;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

boost::asio::awaitable<bool> shake_hands(TlsStream& stream, std::chrono::milliseconds patience);
boost::asio::awaitable<void> say_goodbye(TlsStream& stream, std::chrono::milliseconds patience);

template <class Protocol>
boost::asio::awaitable<bool> shake_hands(boost::beast::basic_stream<Protocol>&,
                                         std::chrono::milliseconds) {
  co_return true;
}
template <class Protocol>
boost::asio::awaitable<void> say_goodbye(boost::beast::basic_stream<Protocol>& stream,
                                         std::chrono::milliseconds) {
  boost::system::error_code ignored;
  stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);
  co_return;
}

}  // namespace amdahl::http
