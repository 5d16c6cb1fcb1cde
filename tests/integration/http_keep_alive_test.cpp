#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "amdahl/http/server.hpp"

using namespace amdahl;
using namespace std::chrono_literals;

namespace {

constexpr auto keep_alive_patience = 30s;
const std::string keep_alive_request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server whose peers may think for an hour, but must then say what they want in a second.
std::unique_ptr<http::Server> strict_server() {
  http::Route route{"GET", "/hello", http::Access::local, "hello", "hello"};
  route.immediate = true;
  route.handle = http::answering([](const http::Call&) {
    return http::Response{200, "text/plain", "well\n"};
  });
  http::ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.routes = {route};
  options.limits.header_time = 1s;
  options.limits.idle_time = 1h;
  options.open_desk = [] { return std::unique_ptr<http::Desk>{}; };
  return http::Server::start(std::move(options)).value();
}

/// A connection that is used byte by byte.
class Talker {
 public:
  explicit Talker(const http::Server& server) {
    wire_.expires_after(keep_alive_patience);
    wire_.connect("127.0.0.1", std::to_string(server.port()));
  }
  void say(const std::string& text) {
    wire_.expires_after(keep_alive_patience);
    wire_ << text << std::flush;
  }
  /// Whether the answer came whole.
  bool hears_answer() {
    std::string line;
    while (std::getline(wire_, line)) {
      if (line == "well") return true;
    }
    return false;
  }
  /// Says a letter now and then until the other side ends the connection; false: it never does.
  bool drips_until_end() {
    const auto until = std::chrono::steady_clock::now() + keep_alive_patience;
    while (std::chrono::steady_clock::now() < until) {
      wire_.expires_after(20ms);
      if (wire_.get() == std::char_traits<char>::eof() &&
          wire_.error() != boost::asio::error::timed_out)
        return true;
      wire_.clear();
      say("a");
    }
    return false;
  }

 private:
  boost::asio::ip::tcp::iostream wire_;
};

}  // namespace

TEST_CASE("a next request that has begun has the time of headers, not that between requests",
          "[http]") {
  const auto server = strict_server();
  Talker thinks{*server}, drips{*server};
  thinks.say(keep_alive_request);
  REQUIRE(thinks.hears_answer());
  const bool at_once = GENERATE(true, false);  // the next one begins before the first is answered
  drips.say(keep_alive_request + (at_once ? "GET /" : ""));
  REQUIRE(drips.hears_answer());
  CHECK(drips.drips_until_end());
  thinks.say(keep_alive_request);
  CHECK(thinks.hears_answer());
  server->stop(0ms);
}
