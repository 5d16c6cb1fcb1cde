#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>

#include "dispatcher.hpp"
#include "streams.hpp"

namespace amdahl::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

/// What all connections of a server share. Used on the network thread only, unless said.
struct Shared {
  const ServerOptions& options;
  Dispatcher& dispatcher;
  bool stopping = false;
  std::uint64_t next_request = 0;
  std::string instance;  ///< distinguishes the requests of this process

  std::string request_id();
};

/// A connection as the server sees it: something that can be asked to end.
class Closeable {
 public:
  virtual ~Closeable() = default;
  /// Ends at once what waits for a peer or has a stream; what is being answered ends afterwards.
  virtual void hurry() = 0;
};

/// An answer that may come from any thread, awaited on the network thread with a deadline. `wake`
/// may be called when the waiting is over, and then does nothing.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(const asio::any_io_executor& executor) : timer_{executor} {}

  void put(Response response);
  void wake();
  asio::awaitable<std::optional<Response>> take(std::chrono::milliseconds patience);
  /// Until `wake`, or `patience` is over.
  asio::awaitable<void> sleep(std::chrono::milliseconds patience);

 private:
  asio::steady_timer timer_;
  std::optional<Response> response_;
  bool woken_ = false;
};

/// Requests one after another, until either side has enough.
class Connection : public Closeable {
 public:
  Connection(std::unique_ptr<ByteStream> stream, Peer peer, Shared& shared);

  asio::awaitable<void> run();
  void hurry() override;

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;

  asio::awaitable<bool> one_request();
  asio::awaitable<bool> read(Parser& parser, Request& request);
  asio::awaitable<void> read_body(Parser& parser, boost::system::error_code& error);
  asio::awaitable<void> receive(boost::system::error_code& error);
  asio::awaitable<void> parse(Parser& parser, bool whole, boost::system::error_code& error);
  asio::awaitable<bool> refuse(Request& request, Problem problem);
  asio::awaitable<bool> write(Request& request, Response response, bool keep_alive);
  asio::awaitable<void> write_stream(const Request& request, Response response);
  void fill(const Parser& parser, Request& request) const;

  std::unique_ptr<ByteStream> stream_;
  Peer peer_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::shared_ptr<Mailbox> mailbox_;  // shared with whoever answers
  bool busy_ = false;
  bool first_ = true;
};

}  // namespace amdahl::http
