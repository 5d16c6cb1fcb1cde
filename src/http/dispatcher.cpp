#include "dispatcher.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>

#include "amdahl/ledger/errors.hpp"
#include "parameters.hpp"
#include "target.hpp"

namespace amdahl::http {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr auto noticed_within = 1s;

Problem problem_of_ledger(const std::exception& error) {
  if (const auto* refused = dynamic_cast<const ledger::Refused*>(&error)) {
    if (refused->sqlstate == "AM012")
      return {429, "too-many-requests", refused->what(), "try again later"};
    if (refused->sqlstate.starts_with("22")) return {400, "bad-request", refused->what(), ""};
    return {409, "conflict", refused->what(), ""};
  }
  if (dynamic_cast<const ledger::Unavailable*>(&error) != nullptr)
    return {503, "ledger-unavailable", error.what(), "amdahl doctor"};
  if (dynamic_cast<const ledger::OutcomeUnknown*>(&error) != nullptr)
    return {503, "in-doubt", error.what(), "send it again with the same key"};
  if (dynamic_cast<const ledger::SchemaMismatch*>(&error) != nullptr)
    return {503, "other-schema", error.what(), "amdahl db migrate --plan"};
  return {500, "internal", "this service has a bug, and its log names it by the request's id", ""};
}

Problem no_ledger() {
  return {503, "ledger-unavailable", "the ledger does not answer", "amdahl doctor"};
}

}  // namespace

std::function<void(const Call&, const Respond&)> answering(
    std::function<Response(const Call&)> work) {
  return
      [work = std::move(work)](const Call& call, const Respond& respond) { respond(work(call)); };
}

Dispatcher::Dispatcher(const ServerOptions& options)
    : options_{options},
      router_{options.routes},
      gate_{options.limits.requests_per_second},
      workers_{options.workers, static_cast<std::size_t>(options.limits.waiting),
               options.open_desk} {}

Response Dispatcher::refuse(Request& request, Problem problem) {
  if (options_.on_served) options_.on_served({request, "", problem.status, {}});
  return problem_response(request, problem);
}

void Dispatcher::handle(const Router::Match& match, const SharedRequest& request, Desk* desk,
                        const Respond& respond) {
  const auto begun = Clock::now();
  for (bool again = false;; again = true) {
    try {
      return admit_and_handle(match, request, desk, respond);
    } catch (const std::exception& error) {
      // A ledger that was restarted has closed what was open to it; that is noticed at the next
      // question, and one that only reads is asked again.
      const bool lost = dynamic_cast<const ledger::Unavailable*>(&error) != nullptr;
      if (lost && !again && request->method == "GET" && Clock::now() - begun < noticed_within)
        continue;
      const auto problem = problem_of_ledger(error);
      if (problem.status == 500 && options_.log)
        options_.log("http_bug", {{"request_id", request->id}, {"problem", error.what()}});
      return respond(problem_response(*request, problem));
    }
  }
}

void Dispatcher::admit_and_handle(const Router::Match& match, const SharedRequest& request,
                                  Desk* desk, const Respond& respond) {
  if (desk == nullptr && Gate::needs_desk(*match.route, *request))
    return respond(problem_response(*request, no_ledger()));
  auto admitted = gate_.admit(*match.route, *request, desk, Clock::now());
  if (const auto* problem = std::get_if<Problem>(&admitted))
    return respond(problem_response(*request, *problem));
  if (const auto problem = parameters_problem(*match.route, *request))
    return respond(problem_response(*request, *problem));
  match.route->handle({request, match.params, std::get<Principal>(admitted), desk}, respond);
}

void Dispatcher::dispatch(Request request, const std::string& target, const Respond& respond) {
  const auto begun = Clock::now();
  auto parsed = parse_target(target);
  if (!parsed) {
    request.path = "/";
    return respond(refuse(request, {400, "bad-request", parsed.error().message, ""}));
  }
  request.path = parsed->path;
  request.query = std::move(parsed->query);
  auto match = router_.match(request.method, parsed->segments);
  if (match.allowed.empty()) {
    return respond(refuse(request, {404, "not-found", "there is nothing at this path",
                                    "/openapi.json lists what there is"}));
  }
  if (match.route == nullptr) {
    const auto allow = fmt::format("{}", fmt::join(match.allowed, ", "));
    auto response =
        refuse(request, {405, "method-not-allowed", fmt::format("here is no {}", request.method),
                         "allowed: " + allow});
    response.headers.emplace_back("Allow", allow);
    return respond(std::move(response));
  }
  if (gate_.too_fast(*match.route, request, begun)) {
    return respond(refuse(request, {429, "too-many-requests",
                                    fmt::format("more than {} requests a second",
                                                options_.limits.requests_per_second),
                                    "wait a moment"}));
  }
  // Shared by the worker, the handler and whoever answers later.
  const auto shared = std::make_shared<const Request>(std::move(request));
  const auto* route = match.route;
  const auto answered = [this, shared, route, begun, respond](Response response) {
    if (options_.on_served) {
      options_.on_served(
          {*shared, route->pattern, response.status,
           std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun)});
    }
    respond(std::move(response));
  };
  if (!Gate::needs_desk(*route, *shared)) return handle(match, shared, nullptr, answered);
  const bool taken = workers_.add(
      [this, match, shared, answered](Desk* desk) { handle(match, shared, desk, answered); });
  if (!taken) {
    answered(problem_response(
        *shared, {503, "overloaded", "too many requests wait already", "wait a moment"}));
  }
}

}  // namespace amdahl::http
