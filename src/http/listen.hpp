#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "amdahl/http/server.hpp"

namespace amdahl::http {

/// `127.0.0.1:7717` or `[::1]:7717`.
core::Result<boost::asio::ip::tcp::endpoint> parse_listen(std::string_view text);

core::Result<boost::asio::ip::tcp::acceptor> listen_on(
    boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& endpoint);

/// A socket file that nobody listens on is replaced; one that somebody does is an error. For the
/// owner and its group alone.
core::Result<boost::asio::local::stream_protocol::acceptor> listen_on(
    boost::asio::io_context& io, const std::filesystem::path& socket);

/// TLS 1.2 and newer, with this chain and key.
core::Result<boost::asio::ssl::context> load_tls(const TlsFiles& files);

}  // namespace amdahl::http
