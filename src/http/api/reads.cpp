#include "api_parts.hpp"
#include "experiments.hpp"
#include "parameters.hpp"
#include "statuses.hpp"

// The read models as resources: the same documents, field for field, as the command line's.

namespace amdahl::http {
namespace {

using nlohmann::json;
using Kind = Parameter::Kind;

const std::vector<std::string> experiment_states{"registered", "discovering", "refuting", "decided",
                                                 "aborted"};
const std::vector<std::string> outcomes{"win",       "provisional",  "refuted",
                                        "no_effect", "inconclusive", "void"};
const std::vector<std::string> hypothesis_states{"proposed", "awaiting_approval", "registered",
                                                 "decided",  "rejected",          "withdrawn"};
const std::vector<std::string> run_states{"planned",   "submitting", "submitted", "queued",
                                          "held",      "starting",   "running",   "suspended",
                                          "finishing", "ended"};

const Parameter limit{"limit", "how many rows, 50 unless told, at most 200", Kind::whole};
const Parameter cursor{"cursor", "the last answer's next_cursor"};

// The query as the arguments of a read model.
json args_of(const Call& call, const Route& route) {
  auto args = json::object();
  for (const auto& parameter : route.query) {
    const auto value = call.request->query_value(parameter.name);
    if (!value) continue;
    if (parameter.kind == Kind::whole) {
      args[parameter.name] = *whole_number(*value);
    } else if (parameter.kind == Kind::boolean) {
      args[parameter.name] = *value == "true";
    } else {
      args[parameter.name] = *value;
    }
  }
  return args;
}

Response found(const Call& call, const json& document, const std::string& what) {
  if (!document.is_null()) return json_response(200, document);
  return problem_response(*call.request, {404, "not-found", "there is no " + what, ""});
}

Route list(const std::string& path, const std::string& view, const std::string& summary,
           std::vector<Parameter> query) {
  Route route{"GET", path, Access::read, "list_" + view, summary, {}, std::move(query)};
  route.answers = with_problems({{200, "the page", "amdahl." + view + "/v1"}}, {400, 401, 403});
  route.handle = answering([route, view](const Call& call) {
    return json_response(200, call.desk->ledger().read(view, args_of(call, route)));
  });
  return route;
}

Route experiment_route(const std::string& suffix, const std::string& operation,
                       const std::string& summary, const std::string& schema,
                       const std::function<Response(const Call&, const json&)>& show,
                       const std::string& view = "experiment") {
  Route route{"GET", "/api/v1/experiments/{id}" + suffix, Access::read, operation, summary};
  route.answers = with_problems({{200, "as it is now", schema}}, {400, 401, 403, 404});
  route.handle = answering([show, view](const Call& call) {
    const auto document = experiment_of(call, view);
    if (!document) return found(call, nullptr, "experiment " + call.params.at("id"));
    return show(call, *document);
  });
  return route;
}

std::vector<Route> experiment_routes() {
  std::vector<Route> routes;
  routes.push_back(list("/api/v1/experiments", "experiments", "experiments, newest first",
                        {{"job", "of this job"},
                         {"state", "in this state", Kind::text, experiment_states},
                         {"outcome", "with this verdict", Kind::text, outcomes},
                         limit,
                         cursor}));
  routes.push_back(
      experiment_route("", "get_experiment", "one experiment with all its evidence",
                       "amdahl.experiment/v1", [](const Call&, const json& experiment) {
                         auto response = json_response(200, experiment);
                         response.headers.emplace_back("ETag", experiment_tag(experiment));
                         return response;
                       }));
  routes.push_back(experiment_route("/votes", "get_votes", "its refute checks and their votes",
                                    "amdahl.votes/v1", [](const Call&, const json& experiment) {
                                      return json_response(
                                          200, {{"schema", "amdahl.votes/v1"},
                                                {"experiment", experiment.at("experiment")},
                                                {"checks", experiment.at("checks")},
                                                {"upholds", experiment.at("upholds")},
                                                {"refutes", experiment.at("refutes")}});
                                    }));
  routes.push_back(experiment_route(
      "/lineage", "get_lineage", "what it came from and what stands on it", "amdahl.lineage/v1",
      [](const Call&, const json& lineage) { return json_response(200, lineage); }, "lineage"));
  Route runs{"GET",
             "/api/v1/experiments/{id}/runs",
             Access::read,
             "list_experiment_runs",
             "its submissions, newest first",
             {},
             {{"state", "in this state", Kind::text, run_states}, limit, cursor}};
  runs.answers = with_problems({{200, "the page", "amdahl.runs/v1"}}, {400, 401, 403, 404});
  runs.handle = answering([runs](const Call& call) {
    const auto number = experiment_number(call.params.at("id"));
    if (!number || !experiment_of(call, "lineage"))
      return found(call, nullptr, "experiment " + call.params.at("id"));
    auto args = args_of(call, runs);
    args["experiment"] = *number;
    return json_response(200, call.desk->ledger().read("runs", args));
  });
  routes.push_back(std::move(runs));
  return routes;
}

std::vector<Route> fleet_routes() {
  const Parameter cluster{"cluster", "of this cluster alone"};
  Route summary{"GET",
                "/api/v1/fleet/summary",
                Access::read,
                "get_fleet_summary",
                "GPU-hours and waste of all jobs; what is unknown is null",
                {},
                {cluster}};
  summary.answers = with_problems({{200, "the sums", "amdahl.fleet_summary/v1"}}, {400, 401, 403});
  summary.handle = answering([summary](const Call& call) {
    return json_response(200, call.desk->ledger().read("fleet", args_of(call, summary)));
  });
  Route wastes{"GET",
               "/api/v1/wastes",
               Access::read,
               "list_wastes",
               "jobs by wasted GPU-hours, unknown last",
               {},
               {cluster, limit, cursor}};
  wastes.answers = with_problems({{200, "the ranking", "amdahl.rank/v1"}}, {400, 401, 403});
  wastes.handle = answering([wastes](const Call& call) {
    return json_response(200, call.desk->ledger().read("rank", args_of(call, wastes)));
  });
  Route waste{"GET", "/api/v1/wastes/{id}", Access::read, "get_waste",
              "the waste of one job, by the job's name"};
  waste.answers = with_problems({{200, "its row", "amdahl.waste/v1"}}, {400, 401, 403, 404});
  waste.handle = answering([](const Call& call) {
    return found(call, call.desk->ledger().read("waste", {{"name", call.params.at("id")}}),
                 "job " + call.params.at("id"));
  });
  return {summary, wastes, waste};
}

std::vector<Route> bank_routes() {
  const Parameter since{"since", "not before this time", Kind::time};
  Route entries =
      list("/api/v1/bank/entries", "bank", "what was banked, newest first", {since, limit, cursor});
  Route balance{"GET", "/api/v1/bank/balance", Access::read, "get_bank_balance",
                "banked, clawed back, spent on tests, net, projected: five numbers"};
  balance.answers =
      with_problems({{200, "the balance", "amdahl.bank_balance/v1"}}, {400, 401, 403});
  balance.handle = answering([](const Call& call) {
    auto document = call.desk->ledger().read("bank", {{"limit", 1}});
    for (const auto* page : {"entries", "next_cursor"}) document.erase(page);
    document["schema"] = "amdahl.bank_balance/v1";
    return json_response(200, document);
  });
  return {entries, balance};
}

// Shared by the two routes that answer from it, which outlive the table's making.
using SharedStatuses = std::shared_ptr<Statuses>;

Route status_route(const ApiOptions& options, const SharedStatuses& statuses) {
  Route route{"GET", "/api/v1/status", Access::read, "get_status", "the loop at a glance"};
  route.answers = with_problems({{200, "as it is now", "amdahl.status/v1"}}, {400, 401, 403});
  route.handle =
      answering([statuses, version = options.version, waiting = options.waiting](const Call& call) {
        auto status = statuses->read(call.desk->ledger());
        status["version"] = version;
        auto& rows = status["waiting"] = json::array();
        for (const auto& reason : waiting ? waiting() : std::vector<std::string>{})
          rows.push_back({{"reason", reason}, {"next", ""}});
        return json_response(200, status);
      });
  return route;
}

Route loop_route(const SharedStatuses& statuses) {
  Route route{"GET", "/api/v1/loop", Access::read, "get_loop",
              "who leads, and how far the ledger is"};
  route.answers = with_problems({{200, "as it is now", "amdahl.loop/v1"}}, {400, 401, 403});
  route.handle = answering([statuses](const Call& call) {
    auto loop = statuses->read(call.desk->ledger()).at("loop");
    loop["schema"] = "amdahl.loop/v1";
    return json_response(200, loop);
  });
  return route;
}

// Read only: sources and their secrets are configuration. Of a secret nothing is said but how many
// there are.
Route sources_route(const ApiOptions& options) {
  Route route{"GET", "/api/v1/webhooks/sources", Access::read, "list_webhook_sources",
              "clusters whose webhooks are taken, and when the last one came"};
  route.answers =
      with_problems({{200, "by cluster", "amdahl.webhook_sources/v1"}}, {400, 401, 403});
  route.handle = answering([configured = options.hook_sources](const Call& call) {
    auto rows = json::array();
    auto clusters = json::array();
    const auto sources = configured ? configured() : nullptr;
    for (const auto& source : sources ? *sources : std::vector<HookSource>{}) {
      clusters.push_back(source.cluster);
      rows.push_back({{"cluster", source.cluster},
                      {"enabled", source.enabled},
                      {"secrets", source.secrets.size()},
                      {"unsigned_doors", !source.url_token.empty()}});
    }
    const auto heard = call.desk->ledger().read("hooks", {{"clusters", clusters}});
    for (auto& row : rows) {
      for (const auto& cluster : heard.at("clusters")) {
        if (cluster.at("cluster") != row.at("cluster")) continue;
        row["last_at"] = cluster.at("last_at");
        row["ended_since"] = cluster.at("ended_since");
      }
    }
    return json_response(200, {{"schema", "amdahl.webhook_sources/v1"}, {"sources", rows}});
  });
  return route;
}

Route delivery_route() {
  Route route{"GET", "/api/v1/webhooks/deliveries/{id}", Access::read, "get_delivery",
              "one webhook that came, with what it said"};
  route.answers =
      with_problems({{200, "as it is now", "amdahl.webhook_delivery/v1"}}, {400, 401, 403, 404});
  route.handle = answering([](const Call& call) {
    const auto number = whole_number(call.params.at("id"));
    return found(call,
                 number ? call.desk->ledger().read("delivery", {{"delivery", *number}}) : json{},
                 "delivery " + call.params.at("id"));
  });
  return route;
}

Route job_route() {
  Route route{"GET", "/api/v1/jobs/{id}", Access::read, "get_job", "one job, by its name"};
  route.answers = with_problems({{200, "as it is now", "amdahl.job/v1"}}, {400, 401, 403, 404});
  route.handle = answering([](const Call& call) {
    return found(call, call.desk->ledger().read("job", {{"name", call.params.at("id")}}),
                 "job " + call.params.at("id"));
  });
  return route;
}

}  // namespace

std::vector<Answer> with_problems(std::vector<Answer> answers, const std::vector<int>& problems) {
  for (const int status : problems) answers.push_back({status, ""});
  return answers;
}

std::vector<Route> read_routes(const ApiOptions& options) {
  // Shared by the two routes, which outlive this call.
  const auto statuses = std::make_shared<Statuses>(options.lease_ttl);
  std::vector<Route> routes{
      status_route(options, statuses),
      loop_route(statuses),
      list("/api/v1/jobs", "jobs", "jobs that were added", {limit, cursor}),
      job_route(),
      list("/api/v1/hypotheses", "hypotheses", "ideas, newest first",
           {{"job", "of this job"},
            {"state", "in this state", Kind::text, hypothesis_states},
            {"hypothesis", "of this number alone", Kind::whole},
            limit,
            cursor}),
      list("/api/v1/runs", "runs", "submissions to schedulers, newest first",
           {{"state", "in this state", Kind::text, run_states}, limit, cursor}),
      list("/api/v1/queue", "queue", "what waits for the leader or runs now", {}),
      list("/api/v1/events", "events", "the audit log, oldest first",
           {{"after", "only those after this event", Kind::whole},
            {"kind", "of this kind alone"},
            limit}),
      list("/api/v1/webhooks/deliveries", "deliveries", "webhooks that came, newest first",
           {{"source", "of this source alone"}, limit, cursor}),
      delivery_route(),
      sources_route(options),
  };
  for (auto& more : {experiment_routes(), fleet_routes(), bank_routes()})
    routes.insert(routes.end(), more.begin(), more.end());
  return routes;
}

}  // namespace amdahl::http
