#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amdahl/http/message.hpp"
#include "amdahl/ledger/doors.hpp"
#include "amdahl/ledger/ledger.hpp"

namespace amdahl::http {

/// Who may use a route.
enum class Access {
  local,  ///< everybody on this machine; elsewhere a token that may read
  hook,   ///< the route proves its sender itself; bursts are its nature, so it has no pace
  run,    ///< the route proves its sender itself, by a run's token
  read,
  propose,
  operate,
  admin,
};

/// Who asks, once that is known.
struct Principal {
  std::string name;  ///< of the token, or `uid 1000`
  std::optional<ledger::TokenScope> scope;
  std::string token_sha256{};  ///< hex digest of the token; empty where none was needed
};

/// The connections of one worker thread to the ledger.
class Desk {
 public:
  virtual ~Desk() = default;
  virtual ledger::Ledger& ledger() = 0;
  virtual ledger::Doors& doors() = 0;
  /// Does once what makes the first answer slow: connects, and has PostgreSQL plan. May throw.
  virtual void warm() {}
};

struct Call {
  // Shared: an answer may be made on another thread, after the worker is done with the call.
  std::shared_ptr<const Request> request;
  std::map<std::string, std::string> params;  ///< of the path, decoded
  Principal principal;
  Desk* desk = nullptr;  ///< of the worker; none where the route is `immediate`
};

/// Answers a call, from any thread, once.
using Respond = std::function<void(Response)>;

/// A query or path parameter, for the document and for the check of what is sent.
struct Parameter {
  std::string name;
  std::string what;
  enum class Kind { text, whole, time, boolean } kind = Kind::text;
  std::vector<std::string> allowed{};
};

/// An answer that the document names.
struct Answer {
  int status = 200;
  std::string what;
  std::string schema{};  ///< `amdahl.status/v1`; empty = problem+json or nothing
};

/// One row of the table from which router and `/openapi.json` are made.
struct Route {
  std::string method;
  std::string pattern;  ///< `/api/v1/experiments/{id}:abort`
  Access access = Access::read;
  std::string operation;  ///< its name in the document
  std::string summary;
  std::function<void(const Call&, const Respond&)> handle{};
  std::vector<Parameter> query{};
  std::vector<Answer> answers{};
  nlohmann::json body{};   ///< JSON Schema of the request's body; null = none
  bool immediate = false;  ///< answered on the network thread: it must not block
};

/// A route that answers at once, on a worker.
std::function<void(const Call&, const Respond&)> answering(
    std::function<Response(const Call&)> work);

}  // namespace amdahl::http
