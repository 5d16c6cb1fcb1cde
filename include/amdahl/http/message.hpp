#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::http {

/// Who is at the other end of the connection.
struct Peer {
  enum class Via { unix_socket, loopback, network } via = Via::loopback;
  std::string address;               ///< without port; empty on the Unix socket
  std::optional<std::uint32_t> uid;  ///< on the Unix socket
};

using Fields = std::vector<std::pair<std::string, std::string>>;

/// One request, read whole.
struct Request {
  std::string method;
  std::string path;  ///< as sent, without the query; percent signs not decoded
  Fields query;      ///< decoded, in order
  Fields headers;    ///< names in lower case, in order
  std::string body;  ///< the bytes as sent
  Peer peer;
  std::string id;  ///< of this request, in its answer and its log line

  /// The first header of that lower-case name; empty when there is none.
  std::string_view header(std::string_view name) const;
  /// How often it was sent: what must be there once is refused when it is there twice.
  int count(std::string_view name) const;
  /// The token of `Authorization: Bearer …`; empty where there is none, or more than one header.
  std::string_view bearer() const;
  std::optional<std::string> query_value(std::string_view name) const;
};

/// A body without end. Called on the network thread only, but for `wake`.
class Stream {
 public:
  virtual ~Stream() = default;
  /// What there is to send: empty = nothing yet, none = the end.
  virtual std::optional<std::string> next() = 0;
  /// Once, before the first `next`: `wake` may be called from any thread when there is more.
  virtual void attach(std::function<void()> wake) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Fields headers{};
  // Shared: the hub fills it from its thread, the connection empties it on the network's.
  std::shared_ptr<Stream> stream{};  ///< instead of a body
};

Response json_response(int status, const nlohmann::json& document);

/// What went wrong with one part of a request.
struct FieldProblem {
  std::string pointer;  ///< JSON pointer, or `?name` of a query parameter
  std::string problem;
  nlohmann::json allowed{};  ///< what would be right there, in words of JSON Schema; null = unsaid
};

/// RFC 9457, with a hint and the request's id. `kind` is the last part of `type`, one of
/// `problem_kinds()`: what programs tell cases apart by.
struct Problem {
  int status = 500;
  std::string kind;
  std::string detail;
  std::string hint{};  ///< empty = that of its kind
  std::vector<FieldProblem> errors{};
};
Response problem_response(const Request& request, const Problem& problem);
/// An error of ours as a problem: not_found 404, conflict 409, not_allowed 403, unreachable 503 …
Problem problem_of(const core::Error& error);

struct ProblemKind {
  std::string_view kind;
  std::string_view title;
  std::string_view hint{};  ///< where the place knows no better one
};
const std::vector<ProblemKind>& problem_kinds();

}  // namespace amdahl::http
