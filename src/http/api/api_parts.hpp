#pragma once

#include "amdahl/http/api.hpp"
#include "command_waiter.hpp"
#include "stream_hub.hpp"

namespace amdahl::http {

struct Api::Parts {
  explicit Parts(ApiOptions given)
      : options{std::move(given)}, commands{options.open_desk}, stream{options.open_desk} {}

  ApiOptions options;
  CommandWaiter commands;
  StreamHub stream;
};

/// Resources that are read.
std::vector<Route> read_routes(const ApiOptions& options);
/// What is asked of the leader.
std::vector<Route> write_routes(const ApiOptions& options, CommandWaiter& commands);
/// Health, readiness, the stream, metrics.
std::vector<Route> service_routes(const ApiOptions& options, StreamHub& stream);

/// Beside a route's own answers the problems that it may answer.
std::vector<Answer> with_problems(std::vector<Answer> answers, const std::vector<int>& problems);

}  // namespace amdahl::http
