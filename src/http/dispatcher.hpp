#pragma once

#include <memory>

#include "amdahl/http/server.hpp"
#include "gate.hpp"
#include "router.hpp"
#include "workers.hpp"

namespace amdahl::http {

/// From a request that was read to its answer: target, route, pace, principal, parameters, handler.
class Dispatcher {
 public:
  explicit Dispatcher(const ServerOptions& options);

  /// Answers once, from any thread. `request` has all but path and query; `target` is as sent.
  void dispatch(Request request, const std::string& target, const Respond& respond);
  /// A request that could not even be read.
  Response refuse(Request& request, Problem problem);
  void stop() { workers_.stop(); }
  const Router& router() const { return router_; }

 private:
  // Shared: an answer may come after the worker is done with the request.
  using SharedRequest = std::shared_ptr<const Request>;

  void handle(const Router::Match& match, const SharedRequest& request, Desk* desk,
              const Respond& respond);
  void admit_and_handle(const Router::Match& match, const SharedRequest& request, Desk* desk,
                        const Respond& respond);

  const ServerOptions& options_;
  Router router_;
  Gate gate_;
  Workers workers_;
};

}  // namespace amdahl::http
