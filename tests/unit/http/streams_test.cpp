#include "streams.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <string>

// A stream of the server at one end of a socket pair, its peer at the other.

namespace amdahl::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

constexpr std::size_t beyond_any_socket = 8 << 20;  // bytes

class Ends {
 public:
  Ends() {
    Local::socket near{io};
    asio::local::connect_pair(near, peer);
    stream = plain_stream(Socket{std::move(near)});
  }

  /// Runs `work` to its end, with what it waits for.
  void run(std::function<asio::awaitable<void>()> work) {
    bool done = false;
    auto whole = [&]() -> asio::awaitable<void> {
      co_await work();
      done = true;
    };
    asio::co_spawn(io, whole, asio::detached);
    io.restart();
    while (!done && io.run_one_for(30s) > 0) {
    }
    REQUIRE(done);
  }

  asio::io_context io{1};
  Local::socket peer{io};
  std::unique_ptr<ByteStream> stream;
};

TEST_CASE("what a socket has no room for is written as the peer reads", "[http][streams]") {
  Ends ends;
  const std::string sent(beyond_any_socket, 'x');
  std::string got(beyond_any_socket, ' ');
  std::size_t read = 0;
  error_code error;
  asio::async_read(ends.peer, asio::buffer(got),
                   [&](const error_code&, std::size_t count) { read = count; });
  ends.run([&]() -> asio::awaitable<void> {
    const bool ready = co_await ends.stream->shake_hands(10s);
    CHECK(ready);
    std::vector<asio::const_buffer> pieces{asio::buffer(sent, 10), asio::buffer(sent) + 10};
    co_await ends.stream->write(std::move(pieces), error);
    ends.stream->expires_never();
  });
  while (read == 0 && ends.io.run_one_for(30s) > 0) {
  }
  CHECK_FALSE(error);
  CHECK(read == sent.size());
  CHECK((got == sent));  // in brackets: nobody wants to see them
}

TEST_CASE("a peer that does not read is given up at the deadline", "[http][streams]") {
  Ends ends;
  const std::string sent(beyond_any_socket, 'x');
  error_code error;
  ends.run([&]() -> asio::awaitable<void> {
    const bool ready = co_await ends.stream->shake_hands(10s);
    CHECK(ready);
    ends.stream->expires_after(20ms);
    std::vector<asio::const_buffer> pieces{asio::buffer(sent)};
    co_await ends.stream->write(std::move(pieces), error);
  });
  CHECK(error);
}

TEST_CASE("a peer that says nothing is given up at the deadline that was set last",
          "[http][streams]") {
  Ends ends;
  std::string into(16, ' ');
  error_code error;
  ends.run([&]() -> asio::awaitable<void> {
    ends.stream->expires_after(1h);
    ends.stream->expires_after(20ms);
    co_await ends.stream->read_some(asio::buffer(into), error);
  });
  CHECK(error);
}

TEST_CASE("a deadline that was moved or lifted ends nothing", "[http][streams]") {
  Ends ends;
  std::string into(16, ' ');
  error_code error;
  std::size_t count = 0;
  const bool lifted = GENERATE(true, false);
  ends.run([&]() -> asio::awaitable<void> {
    ends.stream->expires_after(20ms);
    if (lifted)
      ends.stream->expires_never();
    else
      ends.stream->expires_after(1h);
    asio::steady_timer later{ends.io, 60ms};
    later.async_wait([&](const error_code&) { asio::write(ends.peer, asio::buffer("now", 3)); });
    count = co_await ends.stream->read_some(asio::buffer(into), error);
    ends.stream->expires_never();
    ends.stream->cancel();
  });
  CHECK_FALSE(error);
  CHECK(count == 3);
}

TEST_CASE("what is called off ends at once", "[http][streams]") {
  Ends ends;
  std::string into(16, ' ');
  error_code error;
  ends.run([&]() -> asio::awaitable<void> {
    asio::post(ends.io, [&] { ends.stream->cancel(); });  // once it waits
    co_await ends.stream->read_some(asio::buffer(into), error);
  });
  CHECK(error == asio::error::operation_aborted);
}

TEST_CASE("a stream may be gone before its deadline", "[http][streams]") {
  Ends ends;
  ends.stream->expires_after(1ms);
  ends.stream.reset();
  CHECK(ends.io.run_for(30s) == 1);  // what waited for the deadline was called off
}

}  // namespace
}  // namespace amdahl::http
