#include <fmt/format.h>

#include <variant>

#include "api_parts.hpp"
#include "parameters.hpp"

// Health, readiness, the live stream, metrics.

namespace amdahl::http {
namespace {

using nlohmann::json;

Route health_route(const ApiOptions& options) {
  Route route{"GET", "/healthz", Access::local, "get_health", "whether this process answers"};
  route.immediate = true;
  route.answers = {{200, "it does", "amdahl.health/v1"}};
  route.handle = answering([version = options.version](const Call&) {
    return json_response(200, {{"schema", "amdahl.health/v1"}, {"ok", true}, {"version", version}});
  });
  return route;
}

Route ready_route() {
  Route route{"GET", "/readyz", Access::local, "get_ready",
              "whether the ledger answers and its schema is known; leading is not needed"};
  route.answers = {{200, "it is", "amdahl.ready/v1"}};
  route.handle = answering([](const Call& call) {
    if (call.desk == nullptr)
      return problem_response(*call.request, {503, "ledger-unavailable",
                                              "the ledger does not answer", "amdahl doctor"});
    if (const auto why = call.desk->ledger().why_read_only_now(); !why.empty())
      return problem_response(*call.request,
                              {503, "other-schema", why, "amdahl db migrate --plan"});
    const auto head = call.desk->ledger().head();
    return json_response(
        200, {{"schema", "amdahl.ready/v1"}, {"ok", true}, {"head_seq", head.head_seq}});
  });
  return route;
}

Route metrics_route(const std::function<std::string(Desk&)>& metrics) {
  Route route{"GET", "/metrics", Access::local, "get_metrics", "for Prometheus"};
  route.answers = {{200, "text exposition, version 0.0.4"}};
  route.handle = answering([metrics](const Call& call) {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics(*call.desk);
    return response;
  });
  return route;
}

std::variant<std::set<Topic>, Problem> topics_of(const Request& request) {
  const auto text = request.query_value("topics");
  if (!text) return std::set<Topic>{Topic::loop, Topic::experiments, Topic::bank};
  std::set<Topic> topics;
  std::string_view rest = *text;
  for (;;) {
    const auto comma = rest.find(',');
    const auto topic = topic_named(rest.substr(0, comma));
    if (!topic)
      return Problem{400,
                     "bad-request",
                     "the query has something wrong",
                     "",
                     {{"?topics",
                       "words from loop, experiments, bank, with commas between",
                       {{"pattern", "^(loop|experiments|bank)(,(loop|experiments|bank))*$"}}}}};
    topics.insert(*topic);
    if (comma == std::string_view::npos) return topics;
    rest.remove_prefix(comma + 1);
  }
}

Route stream_route(StreamHub& hub) {
  Route route{"GET",
              "/api/v1/stream",
              Access::read,
              "get_stream",
              "events as they are written (server-sent events); Last-Event-ID goes on where it was",
              {},
              {{"topics", "loop, experiments, bank; all unless told"},
               {"after", "from this event on, as Last-Event-ID", Parameter::Kind::whole}}};
  route.answers = with_problems({{200, "the stream"}}, {400, 401, 403});
  route.handle = answering([&hub](const Call& call) {
    const auto topics = topics_of(*call.request);
    if (const auto* problem = std::get_if<Problem>(&topics))
      return problem_response(*call.request, *problem);
    std::optional<std::int64_t> after;
    if (const auto text = call.request->query_value("after")) after = whole_number(*text);
    if (const auto last = call.request->header("last-event-id"); !last.empty()) {
      after = whole_number(last);
      if (!after)
        return problem_response(*call.request,
                                {400, "bad-request", "Last-Event-ID is no event's number", ""});
    }
    Response response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");
    response.stream = hub.open(after, std::get<std::set<Topic>>(topics), call.principal);
    return response;
  });
  return route;
}

}  // namespace

std::vector<Route> service_routes(const ApiOptions& options, StreamHub& stream) {
  std::vector<Route> routes{health_route(options), ready_route(), stream_route(stream)};
  if (options.metrics) routes.push_back(metrics_route(options.metrics));
  return routes;
}

Api::Api(ApiOptions options) : parts_{std::make_unique<Parts>(std::move(options))} {}
Api::~Api() { stop(); }

std::vector<Route> Api::routes() const {
  const auto& options = parts_->options;
  std::vector<Route> routes;
  for (auto& more : {service_routes(options, parts_->stream), read_routes(options),
                     write_routes(options, parts_->commands)})
    routes.insert(routes.end(), more.begin(), more.end());
  return routes;
}

int Api::stream_clients() const { return parts_->stream.clients(); }

void Api::stop() {
  parts_->commands.stop();
  parts_->stream.stop();
}

}  // namespace amdahl::http
