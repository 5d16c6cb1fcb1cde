#include "connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "framing.hpp"

// g++ 12 destroys some temporaries of a co_await expression twice, and loses its way where one is a
// condition: whatever has a destructor gets a name first, and so has what is awaited.

namespace amdahl::http {

using boost::system::error_code;
namespace wire = beast::http;

std::string Shared::request_id() { return fmt::format("{}-{}", instance, ++next_request); }

// ---- mailbox ----

void Mailbox::put(Response response) {
  // Shared: handlers of the executor are copied.
  auto held = std::make_shared<Response>(std::move(response));
  asio::dispatch(timer_.get_executor(), [self = shared_from_this(), held] {
    self->response_ = std::move(*held);
    self->timer_.cancel();
  });
}

void Mailbox::wake() {
  asio::post(timer_.get_executor(), [self = shared_from_this()] {
    self->woken_ = true;
    self->timer_.cancel();
  });
}

asio::awaitable<std::optional<Response>> Mailbox::take(std::chrono::milliseconds patience) {
  if (!response_) {
    error_code ignored;
    timer_.expires_after(patience);
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer_.async_wait(token);
  }
  co_return std::exchange(response_, std::nullopt);
}

asio::awaitable<void> Mailbox::sleep(std::chrono::milliseconds patience) {
  timer_.expires_after(patience);
  if (!woken_) {
    error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer_.async_wait(token);
  }
  woken_ = false;
}

// ---- messages ----

namespace {

template <class Buffers>
std::vector<asio::const_buffer> pieces_of(const Buffers& buffers) {
  return {asio::buffer_sequence_begin(buffers), asio::buffer_sequence_end(buffers)};
}

template <class Serializer>
std::vector<asio::const_buffer> next_pieces(Serializer& serializer, error_code& error) {
  std::vector<asio::const_buffer> pieces;
  serializer.next(error, [&](error_code&, const auto& buffers) { pieces = pieces_of(buffers); });
  return pieces;
}

template <class Body>
asio::awaitable<void> put(ByteStream& stream, wire::response<Body>& message, error_code& error) {
  wire::response_serializer<Body> serializer{message};
  while (!error && !serializer.is_done()) {
    auto pieces = next_pieces(serializer, error);
    if (error) break;
    const auto bytes = asio::buffer_size(pieces);
    co_await stream.write(std::move(pieces), error);
    serializer.consume(bytes);
  }
}

// What follows it is written in chunks.
asio::awaitable<void> put_header(ByteStream& stream, wire::response<wire::empty_body>& message,
                                 error_code& error) {
  wire::response_serializer<wire::empty_body> serializer{message};
  serializer.split(true);
  auto pieces = next_pieces(serializer, error);
  if (!error) co_await stream.write(std::move(pieces), error);
}

}  // namespace

// ---- connection ----

Connection::Connection(std::unique_ptr<ByteStream> stream, Peer peer, Shared& shared)
    : stream_{std::move(stream)},
      peer_{std::move(peer)},
      shared_{shared},
      buffer_{shared.options.limits.header_bytes + (64 << 10)} {}

void Connection::hurry() {
  if (mailbox_) mailbox_->wake();
  if (!busy_) stream_->cancel();
}

asio::awaitable<void> Connection::run() {
  bool more = co_await stream_->shake_hands(shared_.options.limits.header_time);
  if (!more) co_return;
  while (more) more = co_await one_request();
  co_await stream_->say_goodbye(shared_.options.limits.write_time);
}

void Connection::fill(const Parser& parser, Request& request) const {
  const auto& message = parser.get();
  request.method = std::string{message.method_string()};
  for (const auto& field : message) {
    std::string name{field.name_string()};
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    request.headers.emplace_back(std::move(name), std::string{field.value()});
  }
}

namespace {

// Why a request cannot be read; none where the peer is merely gone or too slow.
std::optional<Problem> problem_of_reading(const error_code& error, const Limits& limits) {
  if (error == wire::error::body_limit)
    return Problem{413, "too-large", fmt::format("the body is over {} bytes", limits.body_bytes),
                   ""};
  if (error == wire::error::header_limit || error == wire::error::buffer_overflow)
    return Problem{431, "too-large",
                   fmt::format("the headers are over {} bytes", limits.header_bytes), ""};
  const bool gone = error == wire::error::end_of_stream || error == wire::error::partial_message;
  if (!gone && error.category() == make_error_code(wire::error::bad_method).category())
    return Problem{400, "bad-request", "this is no HTTP/1.1: " + error.message(), ""};
  return std::nullopt;
}

std::optional<Problem> problem_of_framing(const Request& request, unsigned version) {
  const auto why = framing_problem(request.headers, version);
  if (why.empty()) return std::nullopt;
  return Problem{400, "bad-request", std::string{why}, "send chunked alone, or Content-Length"};
}

}  // namespace

// What comes next, behind what is there already.
asio::awaitable<void> Connection::receive(error_code& error) {
  constexpr std::size_t least_read = 512;
  const auto room = buffer_.max_size() - buffer_.size();
  if (room == 0) error = wire::error::buffer_overflow;
  if (error) co_return;
  const auto spare = std::max(least_read, buffer_.capacity() - buffer_.size());
  const auto into = buffer_.prepare(std::min(room, spare));
  const auto count = co_await stream_->read_some(into, error);
  buffer_.commit(count);
}

// Until the header is there, or the whole message. Its errors are those of Beast's own reading.
asio::awaitable<void> Connection::parse(Parser& parser, bool whole, error_code& error) {
  parser.eager(whole);
  while (whole ? !parser.is_done() : !parser.is_header_done()) {
    const auto used = buffer_.size() > 0 ? parser.put(buffer_.data(), error) : 0;
    buffer_.consume(used);
    if (error == wire::error::need_more) error = {};
    if (error) co_return;
    if (used > 0) continue;
    co_await receive(error);
    if (error == asio::error::eof)
      error = parser.got_some() ? wire::error::partial_message : wire::error::end_of_stream;
    if (error) co_return;
  }
}

// False: the connection is over, and its peer was told why where it could be.
asio::awaitable<bool> Connection::read(Parser& parser, Request& request) {
  const auto& limits = shared_.options.limits;
  error_code error;
  if (!first_ && buffer_.size() == 0) {
    stream_->expires_after(limits.idle_time);
    co_await receive(error);
  }
  first_ = false;
  stream_->expires_after(limits.header_time);
  if (!error) co_await parse(parser, false, error);
  busy_ = true;
  fill(parser, request);  // now: what follows a body is no header
  std::optional<Problem> problem;
  if (!error) problem = problem_of_framing(request, parser.get().version());
  if (!error && !problem) co_await read_body(parser, error);
  if (error) problem = problem_of_reading(error, limits);
  const bool is_whole = !error && !problem;
  if (problem) co_await refuse(request, std::move(*problem));
  co_return is_whole;
}

asio::awaitable<void> Connection::read_body(Parser& parser, error_code& error) {
  if (beast::iequals(parser.get()[wire::field::expect], "100-continue")) {
    wire::response<wire::empty_body> go_on{wire::status::continue_, 11};
    co_await put(*stream_, go_on, error);
  }
  if (error) co_return;
  stream_->expires_after(shared_.options.limits.body_time);
  co_await parse(parser, true, error);
}

asio::awaitable<bool> Connection::refuse(Request& request, Problem problem) {
  request.path = "/";
  auto response = shared_.dispatcher.refuse(request, std::move(problem));
  co_await write(request, std::move(response), false);
  co_return false;
}

asio::awaitable<bool> Connection::one_request() {
  const auto& limits = shared_.options.limits;
  busy_ = false;
  if (shared_.stopping) co_return false;
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  Request request;
  request.peer = peer_;
  request.id = shared_.request_id();
  const bool was_read = co_await read(parser, request);
  if (!was_read) co_return false;
  auto& message = parser.get();
  if (request.count("host") != 1 && message.version() >= 11) {
    Problem problem{400, "bad-request", "one Host header is needed", ""};
    co_await refuse(request, std::move(problem));
    co_return false;
  }
  const bool keep_alive = message.keep_alive();
  const std::string target{message.target()};
  request.body = std::move(message.body());
  Request asked;  // what the answer needs once the request itself is handed on
  asked.method = request.method;
  asked.id = request.id;
  // Shared: whoever answers may do so after this connection is gone.
  mailbox_ = std::make_shared<Mailbox>(stream_->executor());
  shared_.dispatcher.dispatch(std::move(request), target, [mailbox = mailbox_](Response response) {
    mailbox->put(std::move(response));
  });
  stream_->expires_never();
  auto answer = co_await mailbox_->take(limits.answer_time);
  if (!answer) {
    answer = problem_response(
        asked,
        {503, "timeout", "there was no answer in time; what was asked may still happen", ""});
  }
  if (answer->stream) {
    co_await write_stream(asked, std::move(*answer));
    co_return false;
  }
  const bool goes_on = co_await write(asked, std::move(*answer), keep_alive && !shared_.stopping);
  co_return goes_on;
}

namespace {

template <class Message>
void put_headers(Message& message, const Request& request, const Response& response) {
  message.set(wire::field::content_type, response.content_type);
  message.set("X-Request-Id", request.id);
  message.set(wire::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.set(name, value);
}

}  // namespace

asio::awaitable<bool> Connection::write(Request& request, Response response, bool keep_alive) {
  wire::response<wire::string_body> message{static_cast<wire::status>(response.status), 11};
  put_headers(message, request, response);
  message.body() = std::move(response.body);
  message.keep_alive(keep_alive);
  constexpr int no_content = 204;
  if (response.status == no_content) {
    message.erase(wire::field::content_type);
  } else {
    message.prepare_payload();
  }
  if (request.method == "HEAD") message.body().clear();  // its length stays
  error_code error;
  stream_->expires_after(shared_.options.limits.write_time);
  co_await put(*stream_, message, error);
  co_return !error && keep_alive;
}

asio::awaitable<void> Connection::write_stream(const Request& request, Response response) {
  buffer_.clear();
  buffer_.shrink_to_fit();  // there may be a thousand of these
  wire::response<wire::empty_body> head{static_cast<wire::status>(response.status), 11};
  put_headers(head, request, response);
  head.chunked(true);
  error_code error;
  stream_->expires_after(shared_.options.limits.write_time);
  co_await put_header(*stream_, head, error);
  response.stream->attach([mailbox = std::weak_ptr<Mailbox>{mailbox_}] {
    if (const auto there = mailbox.lock()) there->wake();
  });
  bool idle = false;
  while (!error && !shared_.stopping) {
    auto text = response.stream->next();
    if (!text) break;
    if (text->empty()) {
      if (!idle) {
        idle = true;
        stream_->expires_never();
        co_await mailbox_->sleep(shared_.options.limits.heartbeat);
        continue;
      }
      *text = ":\n\n";  // still there?
    }
    idle = false;
    stream_->expires_after(shared_.options.limits.write_time);
    const auto chunk = wire::make_chunk(asio::buffer(*text));
    auto pieces = pieces_of(chunk);
    co_await stream_->write(std::move(pieces), error);
  }
  if (error) co_return;
  const auto last = wire::make_chunk_last();
  auto pieces = pieces_of(last);
  co_await stream_->write(std::move(pieces), error);
}

}  // namespace amdahl::http
