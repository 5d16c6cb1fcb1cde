#include <fmt/format.h>

#include "api_parts.hpp"
#include "body.hpp"
#include "entity_tags.hpp"
#include "experiments.hpp"
#include "parameters.hpp"

// What is asked of the leader: a command in the ledger, which it answers in its next cycle.

namespace amdahl::http {
namespace {

using nlohmann::json;

constexpr std::size_t key_bytes_max = 120;

struct Ask {
  std::string verb;
  json args;
  std::optional<Problem> unmet{};  ///< why it is not asked, unless it was before
};

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= key_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

// A key of a caller's is its own: two callers never meet in one command.
std::variant<std::string, Problem> key_of(const Call& call,
                                          const std::function<std::string()>& new_key) {
  const auto sent = call.request->header("idempotency-key");
  if (call.request->count("idempotency-key") > 1 || (!sent.empty() && !is_key(sent))) {
    return Problem{
        400, "bad-request",
        fmt::format("Idempotency-Key is one word of at most {} visible characters", key_bytes_max),
        ""};
  }
  return fmt::format("api:{}:{}", call.principal.name,
                     sent.empty() ? new_key() : std::string{sent});
}

Response answer_response(const Request& request, const json& answer, int status,
                         const std::string& schema) {
  if (answer.value("ok", false)) {
    auto document = answer;
    document["schema"] = schema;
    return json_response(status, document);
  }
  const auto code = answer.value("code", std::string{});
  const int refused = code == "not_found"     ? 404
                      : code == "conflict"    ? 409
                      : code == "not_allowed" ? 403
                                              : 422;
  const auto* kind = refused == 404   ? "not-found"
                     : refused == 409 ? "conflict"
                     : refused == 403 ? "forbidden"
                                      : "invalid";
  return problem_response(
      request, {refused, kind, answer.value("error", "the loop refused and gave no reason"),
                answer.value("hint", "")});
}

Response accepted(const std::string& key) {
  auto response =
      json_response(202, {{"schema", "amdahl.command/v1"}, {"key", key}, {"done", false}});
  response.headers.emplace_back("Location", "/api/v1/commands/" + key);
  return response;
}

class Asking {
 public:
  Asking(const ApiOptions& options, CommandWaiter& commands)
      : poke_{options.poke},
        new_key_{options.new_key},
        patience_{options.answer_patience},
        commands_{commands} {}

  // Stores the command, then answers what the leader does, or 202 where it takes its time.
  void ask(const Call& call, const Ask& ask, int status, const std::string& schema,
           const Respond& respond) const {
    const auto chosen = key_of(call, new_key_);
    if (const auto* problem = std::get_if<Problem>(&chosen))
      return respond(problem_response(*call.request, *problem));
    const auto& key = std::get<std::string>(chosen);
    auto& ledger = call.desk->ledger();
    // A repetition of what was done since must not hear that it is different now.
    if (ask.unmet && ledger.read("command", {{"key", key}}).is_null())
      return respond(problem_response(*call.request, *ask.unmet));
    ledger.put_command(key, ask.verb, ask.args);
    const auto stored = ledger.read("command", {{"key", key}});
    if (stored.at("verb") != ask.verb || stored.at("args") != ledger::as_stored(ask.args)) {
      return respond(problem_response(
          *call.request, {409, "conflict", "this Idempotency-Key stands for another request",
                          "use a new key for a new request"}));
    }
    if (poke_) poke_();
    const auto request = call.request;
    commands_.wait_for(key, patience_, [request, key, status, schema, respond](const json* answer) {
      respond(answer == nullptr ? accepted(key)
                                : answer_response(*request, *answer, status, schema));
    });
  }

 private:
  std::function<void()> poke_;
  std::function<std::string()> new_key_;
  std::chrono::milliseconds patience_;
  CommandWaiter& commands_;
};

const json reason_schema{{"type", "object"},
                         {"additionalProperties", false},
                         {"properties", {{"reason", {{"type", "string"}, {"maxLength", 500}}}}}};
const json change_schema{{"type", "object"},
                         {"required", {"kind"}},
                         {"properties",
                          {{"kind", {{"type", "string"}}},
                           {"name", {{"type", "string"}, {"maxLength", 200}}},
                           {"value", {{"type", "string"}}}}}};
const json proposal_schema{
    {"type", "object"},
    {"additionalProperties", false},
    {"required", {"job", "changes"}},
    {"properties",
     {{"job", {{"type", "string"}, {"minLength", 1}, {"maxLength", 200}}},
      {"changes", {{"type", "array"}, {"items", change_schema}}},
      {"rationale", {{"type", "string"}, {"maxLength", 4000}}},
      {"phase", {{"type", "string"}, {"maxLength", 60}}},
      {"source", {{"type", "string"}, {"enum", {"human", "agent"}}}},
      {"replicate", {{"type", "integer"}, {"minimum", 0}, {"maximum", 1000}}},
      {"reason", {{"type", "string"}, {"maxLength", 500}}}}}};
const json job_schema{{"type", "object"},
                      {"additionalProperties", false},
                      {"required", {"spec"}},
                      {"properties", {{"spec", {{"type", "object"}}}}}};
const json command_schema{
    {"type", "object"},
    {"additionalProperties", false},
    {"required", {"verb"}},
    {"properties",
     {{"verb",
       {{"type", "string"},
        {"enum", {"add_job", "propose", "approve", "abort", "pause", "resume", "run_champion"}}}},
      {"args", {{"type", "object"}}}}}};

bool may_operate(const Principal& who) {
  return who.scope.value_or(ledger::TokenScope::read) >= ledger::TokenScope::operate;
}

// What the caller says about that counts for nothing.
json with_rights(json args, const Principal& who) {
  args["may_approve"] = may_operate(who);
  return args;
}

using MakeAsk = std::function<std::variant<Ask, Problem>(const Call&, const json&)>;

Route asking_route(Route route, const Asking& asking, int status, const std::string& schema,
                   const MakeAsk& make) {
  route.method = "POST";
  route.answers =
      with_problems({{status, "the leader's answer", schema},
                     {202, "stored; the leader has not answered yet", "amdahl.command/v1"}},
                    {400, 401, 403, 404, 409, 415, 422});
  route.handle = [asking, make, status, schema, body = route.body](const Call& call,
                                                                   const Respond& respond) {
    auto read = json_body(*call.request, body);
    if (const auto* problem = std::get_if<Problem>(&read))
      return respond(problem_response(*call.request, *problem));
    auto made = make(call, std::get<json>(read));
    if (const auto* problem = std::get_if<Problem>(&made))
      return respond(problem_response(*call.request, *problem));
    asking.ask(call, std::get<Ask>(made), status, schema, respond);
  };
  return route;
}

// If-Match against the tag that the resource has now.
std::optional<Problem> match_problem(const Call& call, const std::string& tag) {
  std::string sent;
  for (const auto& [name, value] : call.request->headers) {
    if (name == "if-match") sent += (sent.empty() ? "" : ", ") + value;  // they are one list
  }
  if (sent.empty()) {
    return Problem{428, "precondition-required", "this needs If-Match with the ETag that you saw",
                   "GET it first; If-Match: * takes it as it is"};
  }
  if (if_match_holds(sent, tag)) return std::nullopt;
  return Problem{412, "precondition-failed",
                 fmt::format("it is {} now, not {} as you saw it", tag, sent), "GET it again"};
}

Route with_match(Route route) {
  for (const int status : {412, 428}) route.answers.push_back({status, ""});
  return route;
}

MakeAsk experiment_ask(const std::string& verb) {
  return [verb](const Call& call, const json& body) -> std::variant<Ask, Problem> {
    const auto experiment = experiment_of(call, "experiment");
    if (!experiment)
      return Problem{404, "not-found", "there is no experiment " + call.params.at("id"), ""};
    auto unmet = match_problem(call, experiment_tag(*experiment));
    if (verb == "abort") {
      json args{{"experiment", experiment->at("experiment")}, {"reason", body.value("reason", "")}};
      // The leader compares it again: until its turn there is time for a change.
      if (const auto seen = call.request->header("if-match"); !seen.empty() && seen != "*")
        args["if_match"] = seen;
      return Ask{verb, std::move(args), std::move(unmet)};
    }
    if (experiment->at("hypothesis").is_null())
      return Problem{409, "conflict", "this experiment is of no idea that could be approved", ""};
    return Ask{verb, {{"hypothesis", experiment->at("hypothesis")}}, std::move(unmet)};
  };
}

std::vector<Route> resource_writes(const Asking& asking) {
  std::vector<Route> routes;
  const auto add = [&](Route route, int status, const std::string& schema, const MakeAsk& make) {
    routes.push_back(asking_route(std::move(route), asking, status, schema, make));
  };
  Route propose{"POST", "/api/v1/hypotheses", Access::propose, "propose",
                "give the loop an idea; a known one answers with its verdict"};
  propose.body = proposal_schema;
  add(propose, 201, "amdahl.propose/v1", [](const Call& call, const json& body) {
    auto args = with_rights(body, call.principal);
    if (!args.contains("source")) args["source"] = "human";
    return Ask{"propose", std::move(args)};
  });
  Route add_job{"POST", "/api/v1/jobs", Access::operate, "add_job", "add a job, or change it"};
  add_job.body = job_schema;
  add(add_job, 201, "amdahl.jobs_add/v1", [](const Call&, const json& body) {
    return Ask{"add_job", body};
  });
  Route run{"POST", "/api/v1/jobs/{id}:run", Access::operate, "run_champion",
            "run a job's champion once, as production"};
  run.body = reason_schema;
  add(run, 201, "amdahl.run/v1", [](const Call& call, const json&) {
    return Ask{"run_champion", {{"job", call.params.at("id")}}};
  });
  for (const std::string verb : {"pause", "resume"}) {
    Route route{"POST", "/api/v1/loop:" + verb, Access::operate, verb + "_loop",
                verb == "pause" ? "start nothing new" : "go on after a pause"};
    route.body = reason_schema;
    add(route, 200, "amdahl." + verb + "/v1", [verb](const Call&, const json& body) {
      return Ask{verb, {{"reason", body.value("reason", "")}}};
    });
  }
  return routes;
}

std::vector<Route> matched_writes(const Asking& asking) {
  std::vector<Route> routes;
  for (const std::string verb : {"approve", "abort"}) {
    Route route{"POST", "/api/v1/experiments/{id}:" + verb, Access::operate, verb + "_experiment",
                verb == "abort" ? "stop an experiment without a verdict"
                                : "let the idea of an experiment be tested"};
    route.body = reason_schema;
    routes.push_back(with_match(
        asking_route(route, asking, 200, "amdahl." + verb + "/v1", experiment_ask(verb))));
  }
  Route approve{"POST", "/api/v1/hypotheses/{id}:approve", Access::operate, "approve_hypothesis",
                "let a change that waits for a person be tested"};
  approve.body = reason_schema;
  routes.push_back(asking_route(
      approve, asking, 200, "amdahl.approve/v1",
      [](const Call& call, const json&) -> std::variant<Ask, Problem> {
        std::string_view id = call.params.at("id");
        if (id.starts_with("H-")) id.remove_prefix(2);
        const auto number = whole_number(id);
        if (!number)
          return Problem{404, "not-found", "there is no hypothesis " + call.params.at("id"), ""};
        return Ask{"approve", {{"hypothesis", *number}}};
      }));
  return routes;
}

// Commands by their words, for the command line: stored, and asked for again by their key.
std::vector<Route> command_routes(const ApiOptions& options) {
  Route put{"POST", "/api/v1/commands", Access::propose, "put_command",
            "ask the leader for something by its word, with an Idempotency-Key; all but propose "
            "needs the scope operate"};
  put.body = command_schema;
  put.answers =
      with_problems({{202, "stored", "amdahl.command/v1"}}, {400, 401, 403, 409, 415, 422});
  put.handle = answering([poke = options.poke](const Call& call) {
    const auto read = json_body(*call.request, command_schema);
    if (const auto* problem = std::get_if<Problem>(&read))
      return problem_response(*call.request, *problem);
    const auto& body = std::get<json>(read);
    const std::string key{call.request->header("idempotency-key")};
    // `api:` begins the keys that the other routes make of a caller and its own.
    if (!is_key(key) || key.find('/') != std::string::npos || key.starts_with("api:"))
      return problem_response(
          *call.request,
          {400, "bad-request", "this needs an Idempotency-Key of its own",
           "one word of at most 120 visible characters, without / and no api: first"});
    const auto verb = body.at("verb").get<std::string>();
    if (verb != "propose" && !may_operate(call.principal))
      return problem_response(
          *call.request, {403, "forbidden", call.principal.name + " may propose and nothing else",
                          "amdahl token create NAME --scope operate"});
    auto args = body.value("args", json::object());
    if (verb == "propose") args = with_rights(std::move(args), call.principal);
    call.desk->ledger().put_command(key, verb, args);
    const auto stored = call.desk->ledger().read("command", {{"key", key}});
    if (stored.at("verb") != verb || stored.at("args") != ledger::as_stored(args))
      return problem_response(*call.request,
                              {409, "conflict", "this Idempotency-Key stands for another request",
                               "use a new key for a new request"});
    if (poke) poke();
    return accepted(key);
  });
  Route get{"GET", "/api/v1/commands/{key}", Access::read, "get_command",
            "what became of a command"};
  get.answers = with_problems({{200, "the command", "amdahl.command/v1"}}, {400, 401, 403, 404});
  get.handle = answering([](const Call& call) {
    const auto document = call.desk->ledger().read("command", {{"key", call.params.at("key")}});
    if (!document.is_null()) return json_response(200, document);
    return problem_response(*call.request,
                            {404, "not-found", "there is no command of this key", ""});
  });
  return {put, get};
}

Route replay_route(const ApiOptions& options) {
  Route route{"POST", "/api/v1/webhooks/deliveries/{id}:replay", Access::operate, "replay_delivery",
              "let the leader look again because of this delivery"};
  route.body = reason_schema;
  route.answers = with_problems({{202, "the leader looks again", "amdahl.replay/v1"}},
                                {400, 401, 403, 404, 415, 422});
  route.handle = answering([poke = options.poke](const Call& call) {
    const auto read = json_body(*call.request, reason_schema);
    if (const auto* problem = std::get_if<Problem>(&read))
      return problem_response(*call.request, *problem);
    const auto number = whole_number(call.params.at("id"));
    if (!number || !call.desk->doors().replay_delivery(*number))
      return problem_response(
          *call.request, {404, "not-found", "there is no delivery " + call.params.at("id"), ""});
    if (poke) poke();
    return json_response(202, {{"schema", "amdahl.replay/v1"}, {"delivery", *number}});
  });
  return route;
}

}  // namespace

std::vector<Route> write_routes(const ApiOptions& options, CommandWaiter& commands) {
  const Asking asking{options, commands};
  std::vector<Route> routes;
  for (auto& more : {resource_writes(asking), matched_writes(asking), command_routes(options),
                     std::vector<Route>{replay_route(options)}})
    routes.insert(routes.end(), more.begin(), more.end());
  return routes;
}

}  // namespace amdahl::http
