#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>

/// The two kinds of byte streams that connections read, and how each begins and ends.
namespace amdahl::http {

/// TCP and Unix sockets: one type, since all that reads and writes is compiled for each.
using PlainStream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
using TlsStream = boost::beast::ssl_stream<PlainStream>;

boost::asio::awaitable<bool> shake_hands(TlsStream& stream, std::chrono::milliseconds patience);
boost::asio::awaitable<void> say_goodbye(TlsStream& stream, std::chrono::milliseconds patience);
boost::asio::awaitable<bool> shake_hands(PlainStream& stream, std::chrono::milliseconds patience);
boost::asio::awaitable<void> say_goodbye(PlainStream& stream, std::chrono::milliseconds patience);

}  // namespace amdahl::http
