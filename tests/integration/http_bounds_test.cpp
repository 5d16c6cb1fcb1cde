#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <thread>

#include "amdahl/http/server.hpp"

// What bounds slow peers and many of them: a server with one short bound, the others out of reach.

using namespace amdahl;
using namespace std::chrono_literals;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

constexpr auto patience = 60s;
constexpr auto below_the_default = 10s;  // a heartbeat comes every 15 s where nothing is set
constexpr std::size_t beyond_all_buffers = 64 << 20;  // bytes

template <class Holds>
bool comes_true(const Holds& holds) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

class Babble : public http::Stream {
 public:
  std::optional<std::string> next() override { return std::string(1 << 16, 'x'); }
  void attach(std::function<void()>) override {}
};

class Mute : public http::Stream {
 public:
  std::optional<std::string> next() override { return std::string{}; }
  void attach(std::function<void()>) override {}
};

/// A client byte by byte; what it waits for is bounded.
class Bare {
 public:
  explicit Bare(std::uint16_t port, std::chrono::seconds silence_max = patience)
      : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const timeval bound{silence_max.count(), 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  ~Bare() { ::close(socket_); }

  void say(std::string_view text) const {
    REQUIRE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  void end() const { ::shutdown(socket_, SHUT_WR); }
  /// Until `end` was heard, or the other side closed.
  std::string hear_until(std::string_view end) {
    std::string heard;
    while (!heard.ends_with(end) && hear(heard) > 0) {
    }
    return heard;
  }
  /// All there is until the other side closes; none where it does not.
  std::optional<std::string> hear_all() {
    std::string heard;
    ssize_t count = 1;
    while (count > 0) count = hear(heard);
    if (count < 0 && errno != ECONNRESET) return std::nullopt;
    return heard;
  }

 private:
  ssize_t hear(std::string& heard) const {
    std::string piece(1 << 16, ' ');
    const auto count = ::recv(socket_, piece.data(), piece.size(), 0);
    if (count > 0) heard.append(piece, 0, static_cast<std::size_t>(count));
    return count;
  }

  int socket_;
};

/// A server whose bounds of time are beyond these tests, but for those that a test sets.
struct Bounded {
  http::Limits limits;
  std::atomic<int> asked{0};
  std::unique_ptr<http::Server> server;

  Bounded() {
    limits.header_time = limits.body_time = limits.idle_time = limits.write_time = 1h;
    limits.heartbeat = 1h;
  }
  ~Bounded() {
    if (server) server->stop(0ms);
  }
  Bounded(const Bounded&) = delete;
  Bounded& operator=(const Bounded&) = delete;

  void start() {
    http::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.limits = limits;
    options.open_desk = [] { return std::unique_ptr<http::Desk>{}; };
    add(options, "GET", "/hello", [](http::Response& response) { response.body = "hello"; });
    add(options, "GET", "/big",
        [](http::Response& response) { response.body.assign(beyond_all_buffers, 'x'); });
    add(options, "GET", "/babble",
        [](http::Response& response) { response.stream = std::make_shared<Babble>(); });
    add(options, "GET", "/mute",
        [](http::Response& response) { response.stream = std::make_shared<Mute>(); });
    add(options, "POST", "/post", [](http::Response&) {});
    server = http::Server::start(std::move(options)).value();
  }
  void add(http::ServerOptions& options, const std::string& method, const std::string& pattern,
           std::function<void(http::Response&)> fill) {
    http::Route route{method, pattern, http::Access::local, pattern, pattern};
    route.immediate = true;
    route.handle = http::answering([this, fill = std::move(fill)](const http::Call&) {
      ++asked;
      http::Response response;
      fill(response);
      return response;
    });
    options.routes.push_back(std::move(route));
  }

  /// One question and its answer; the connection stays.
  static std::string ask_hello(Bare& client) {
    client.say("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    return client.hear_until("hello");
  }
  void check_still_serves() const {
    Bare next{server->port()};
    CHECK_THAT(ask_hello(next), StartsWith("HTTP/1.1 200 "));
  }
};

}  // namespace

TEST_CASE("half a header is waited for no longer than its bound", "[http][bounds]") {
  Bounded bounded;
  bounded.limits.header_time = 50ms;
  bounded.start();
  Bare slow{bounded.server->port()};
  slow.say("GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
  CHECK(slow.hear_all() == "");
  CHECK(comes_true([&] { return bounded.server->connections() == 0; }));
}

TEST_CASE("half a body is waited for no longer than its bound", "[http][bounds]") {
  Bounded bounded;
  bounded.limits.body_time = 50ms;
  bounded.start();
  Bare slow{bounded.server->port()};
  slow.say("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  CHECK(slow.hear_all() == "");
  CHECK(bounded.asked == 0);
  bounded.check_still_serves();
}

TEST_CASE("who asks nothing more is let go after the idle time", "[http][bounds]") {
  Bounded bounded;
  bounded.limits.idle_time = 50ms;
  bounded.start();
  Bare idle{bounded.server->port()};
  CHECK_THAT(Bounded::ask_hello(idle), EndsWith("hello"));
  CHECK(idle.hear_all() == "");
  bounded.check_still_serves();
}

TEST_CASE("who does not read its answer is given up", "[http][bounds]") {
  Bounded bounded;
  bounded.limits.write_time = 50ms;
  bounded.start();
  const auto* path = GENERATE("/big", "/babble");
  Bare deaf{bounded.server->port()};
  deaf.say("GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(comes_true([&] { return bounded.asked == 1; }));
  CHECK(comes_true([&] { return bounded.server->connections() == 0; }));
  const auto heard = deaf.hear_all();
  REQUIRE(heard);
  CHECK(heard->size() < beyond_all_buffers);
}

TEST_CASE("one connection over the bound is closed, and let in when another left",
          "[http][bounds]") {
  Bounded bounded;
  bounded.limits.connections = 2;
  bounded.start();
  const auto port = bounded.server->port();
  auto first = std::make_unique<Bare>(port);
  Bare second{port};
  CHECK_THAT(Bounded::ask_hello(*first), EndsWith("hello"));
  CHECK_THAT(Bounded::ask_hello(second), EndsWith("hello"));
  Bare third{port};
  CHECK(third.hear_all() == "");
  CHECK_THAT(Bounded::ask_hello(second), EndsWith("hello"));
  first.reset();
  REQUIRE(comes_true([&] { return bounded.server->connections() == 1; }));
  bounded.check_still_serves();
}

TEST_CASE("a body that was cut off has no effect, and others are served", "[http][bounds]") {
  Bounded bounded;
  bounded.start();
  Bare cut{bounded.server->port()};
  cut.say("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  cut.end();
  CHECK(cut.hear_all() == "");
  CHECK(bounded.asked == 0);
  bounded.check_still_serves();
}

TEST_CASE("a stream that has nothing to say says a comment now and then", "[http][bounds]") {
  Bounded bounded;
  bounded.limits.heartbeat = 50ms;
  bounded.start();
  Bare listener{bounded.server->port(), below_the_default};
  listener.say("GET /mute HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string comment = "3\r\n:\n\n\r\n";  // a chunk
  CHECK_THAT(listener.hear_until(comment), EndsWith("\r\n\r\n" + comment));
  CHECK_THAT(listener.hear_until(comment), EndsWith(comment));
}
