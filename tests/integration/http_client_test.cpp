#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <filesystem>

#include "amdahl/http/server.hpp"
#include "amdahl/http_client/client.hpp"

using namespace amdahl;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

// Says the same piece without end.
class Endless : public http::Stream {
 public:
  explicit Endless(std::string piece) : piece_{std::move(piece)} {}
  std::optional<std::string> next() override { return piece_; }
  void attach(std::function<void()>) override {}

 private:
  std::string piece_;
};

class Silent : public http::Stream {
 public:
  std::optional<std::string> next() override { return std::string{}; }
  void attach(std::function<void()>) override {}
};

http::Route route(const std::string& pattern, std::function<http::Response()> answer) {
  http::Route route{"GET", pattern, http::Access::local, pattern, pattern};
  route.immediate = true;
  route.handle =
      http::answering([answer = std::move(answer)](const http::Call&) { return answer(); });
  return route;
}

/// A server of its own on any port, and a client of it.
struct Pair {
  std::unique_ptr<http::Server> server;
  http_client::ClientOptions options;

  explicit Pair(std::vector<http::Route> routes) {
    http::ServerOptions all;
    all.listen = "127.0.0.1:0";
    all.routes = std::move(routes);
    all.open_desk = [] { return std::unique_ptr<http::Desk>{}; };
    server = http::Server::start(std::move(all)).value();
    options.address = {http_client::ServiceAddress::Via::tcp, "127.0.0.1",
                       std::to_string(server->port())};
  }
  ~Pair() { server->stop(0ms); }
};

http::Response streaming(std::shared_ptr<http::Stream> stream) {
  http::Response response;
  response.content_type = "text/event-stream";
  response.stream = std::move(stream);
  return response;
}

}  // namespace

TEST_CASE("an address of a service is read, and what is none is refused", "[http][client]") {
  struct Row {
    std::string text, shown;
  };
  const auto row = GENERATE(values<Row>({
      {"http://127.0.0.1", "http://127.0.0.1:7717"},
      {"https://loop.example:443/", "https://loop.example:443"},
      {"https://[::1]:8", "https://[::1]:8"},
      {"unix:/run/amdahl/amdahl.sock", "unix:/run/amdahl/amdahl.sock"},
      {"127.0.0.1:7717", ""},
      {"unix:amdahl.sock", ""},
      {"unix:/" + std::string(200, 'a'), ""},
      {"http://", ""},
      {"http://a:0", ""},
      {"http://a:65536", ""},
      {"http://a:b", ""},
      {"http://user@a", ""},
      {"http://a/b", ""},
      {"https://[::1", ""},
      {"ftp://a", ""},
      {"", ""},
  }));
  const auto address = http_client::parse_service_address(row.text);
  CHECK(address.has_value() == !row.shown.empty());
  if (address) CHECK(address->text() == row.shown);
}

TEST_CASE("a question is answered with status, type and body", "[http][client]") {
  const Pair pair{{route("/hello", [] { return http::json_response(200, {{"ok", true}}); })}};
  const http_client::Client client{pair.options};
  const auto answer = client.ask({"GET", "/hello"});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body == "{\"ok\":true}");
  const auto missing = client.ask({"GET", "/" + http_client::percent_encoded("a b?c")});
  REQUIRE(missing.has_value());
  CHECK(missing->status == 404);
  CHECK(missing->content_type == "application/problem+json");
}

TEST_CASE("an answer without bound ends at sixteen mebibytes", "[http][client]") {
  const Pair pair{{route("/big", [] {
    http::Response response;
    response.body = std::string((16 << 20) + 1, 'x');
    return response;
  })}};
  const auto answer = http_client::Client{pair.options}.ask({"GET", "/big"});
  REQUIRE_FALSE(answer.has_value());
  CHECK_THAT(answer.error().message, Contains("over 16777216 bytes"));
}

TEST_CASE("whoever accepts and says nothing is left at the deadline", "[http][client]") {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor mute{io, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  http_client::ClientOptions options;
  options.address = {http_client::ServiceAddress::Via::tcp, "127.0.0.1",
                     std::to_string(mute.local_endpoint().port())};
  options.answer_within = 100ms;
  const auto answer = http_client::Client{options}.ask({"GET", "/"});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == core::ErrorCode::unreachable);
  CHECK_THAT(answer.error().message, Contains("took too long"));
  options.silence_max = 100ms;
  const auto heard = http_client::Client{options}.listen(
      {"GET", "/"}, {[](auto) { return true; }, [] { return true; }});
  CHECK_FALSE(heard.has_value());
}

TEST_CASE("a stream is read by lines until the listener has enough", "[http][client]") {
  const Pair pair{{route(
      "/stream", [] { return streaming(std::make_shared<Endless>("id: 1\r\ndata: half")); })}};
  std::vector<std::string> lines;
  const auto heard =
      http_client::Client{pair.options}.listen({"GET", "/stream"}, {[&](std::string_view line) {
                                                                      lines.emplace_back(line);
                                                                      return lines.size() < 3;
                                                                    },
                                                                    [] { return true; }});
  REQUIRE(heard.has_value());
  CHECK(heard->status == 200);
  CHECK(lines == std::vector<std::string>{"id: 1", "data: halfid: 1", "data: halfid: 1"});
}

TEST_CASE("a silent stream is left when its listener wants no more, or after its silence",
          "[http][client]") {
  Pair pair{{route("/stream", [] { return streaming(std::make_shared<Silent>()); })}};
  int asked = 0;
  const auto stopped = http_client::Client{pair.options}.listen(
      {"GET", "/stream"}, {[](auto) { return true; }, [&] { return ++asked < 3; }});
  CHECK(stopped.has_value());
  CHECK(asked == 3);
  pair.options.silence_max = 50ms;
  const auto silent = http_client::Client{pair.options}.listen(
      {"GET", "/stream"}, {[](auto) { return true; }, [] { return true; }});
  REQUIRE_FALSE(silent.has_value());
  CHECK_THAT(silent.error().message, Contains("took too long"));
}

TEST_CASE("where nobody listens, the error says so and what to do", "[http][client]") {
  http_client::ClientOptions options;
  options.address.host = "/nonexistent/amdahl.sock";
  const auto answer = http_client::Client{options}.ask({"GET", "/"});
  REQUIRE_FALSE(answer.has_value());
  CHECK_THAT(answer.error().message, Contains("no service answers at unix:/nonexistent/"));
  CHECK_THAT(answer.error().hint, Contains("amdahl serve"));
}
