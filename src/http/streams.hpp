#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <vector>

namespace amdahl::http {

/// A byte stream to a peer: TCP, a Unix socket, or TLS over TCP. A deadline holds for what is begun
/// after it is set. Virtual, so that what speaks HTTP is compiled once and not for each kind: that
/// took a compiler 2 GB. Used on the network thread only.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// False: the peer does not speak what this stream does, or is too slow.
  virtual boost::asio::awaitable<bool> shake_hands(std::chrono::milliseconds patience) = 0;
  virtual boost::asio::awaitable<void> say_goodbye(std::chrono::milliseconds patience) = 0;
  /// Bytes read: at least one, or `error` says why none.
  virtual boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer into,
                                                        boost::system::error_code& error) = 0;
  /// Writes all pieces, or `error` says why not. What they point at must outlive it.
  virtual boost::asio::awaitable<void> write(std::vector<boost::asio::const_buffer> pieces,
                                             boost::system::error_code& error) = 0;

  virtual void expires_after(std::chrono::milliseconds patience) = 0;
  virtual void expires_never() = 0;
  /// What is being awaited ends at once.
  virtual void cancel() = 0;
  virtual boost::asio::any_io_executor executor() = 0;
};

using Socket = boost::asio::generic::stream_protocol::socket;

std::unique_ptr<ByteStream> plain_stream(Socket socket);
std::unique_ptr<ByteStream> tls_stream(Socket socket, boost::asio::ssl::context& context);

}  // namespace amdahl::http
