#include <algorithm>

#include "doors.hpp"

namespace amdahl::http {

using hooks::Door;
using hooks::Intake;

namespace {

std::vector<Answer> answers_of(Door door) {
  std::vector<Answer> answers;
  if (door == Door::slurm_es) {
    answers.push_back({201, "stored, now or before", "amdahl.delivery/v1"});
  } else {
    answers.push_back({202, "stored", "amdahl.delivery/v1"});
    answers.push_back({200, "stored before", "amdahl.delivery/v1"});
  }
  for (const auto& [status, what] : std::initializer_list<std::pair<int, const char*>>{
           {400, "the body is not one JSON object"},
           {401, "the signature, token, time or cluster does not fit"},
           {403, "unsigned, and not from this machine"},
           {410, "switched off, or never configured"},
           {413, "too large"},
           {415, "not JSON"},
           {422, "the ledger does not take it"},
           {429, "too many wait"},
           {503, "the ledger does not answer"}}) {
    if (status == 403 && (door == Door::slurm || door == Door::generic)) continue;
    answers.push_back({status, what});
  }
  return answers;
}

nlohmann::json body_schema(Door door) {
  if (door == Door::slurm_es) {
    return {{"type", "object"}, {"description", "a record of Slurm's jobcomp/elasticsearch"}};
  }
  return {
      {"type", "object"},
      {"properties",
       {{"type", {{"type", "string"}}},
        {"timestamp", {{"type", "string"}}},
        {"data",
         {{"type", "object"}, {"properties", {{"cluster", {{"type", {"string", "null"}}}}}}}}}}};
}

// What all routes share lives as long as the last of them.
using SharedIntake = std::shared_ptr<const Intake>;

Route route(const SharedIntake& intake, Door door, std::string pattern, std::string summary) {
  Route route;
  route.method = "POST";
  route.pattern = std::move(pattern);
  route.access = Access::hook;
  route.operation = "hook_" + std::string{hooks::name(door)};
  std::replace(route.operation.begin(), route.operation.end(), '-', '_');
  route.summary = std::move(summary);
  route.handle = [intake, door](const Call& call, const Respond& respond) {
    intake->receive(door, call, respond);
  };
  route.answers = answers_of(door);
  route.body = body_schema(door);
  route.immediate = true;
  return route;
}

}  // namespace

void HookSources::replace(std::vector<HookSource> sources) {
  // Shared: requests under way keep the list they began with.
  auto list = std::make_shared<const std::vector<HookSource>>(std::move(sources));
  const std::lock_guard lock{mutex_};
  list_ = std::move(list);
}

HookSources::List HookSources::current() const {
  const std::lock_guard lock{mutex_};
  return list_;
}

std::vector<Route> hook_routes(HookOptions options) {
  // Shared by the routes: whichever goes last takes it along.
  const auto intake = std::make_shared<const Intake>(std::move(options));
  std::vector<Route> routes;
  routes.push_back(route(intake, Door::slurm, "/hooks/slurm", "A signed event of Slurm"));
  routes.push_back(route(intake, Door::kubernetes, "/hooks/kubernetes",
                         "A signed event of Kubernetes, or kubernetes-event-exporter's"));
  routes.push_back(route(intake, Door::generic, "/hooks/generic",
                         "A signed event in an envelope, or as CloudEvents 1.0"));
  routes.push_back(route(intake, Door::slurm_es, "/hooks/slurm-es/{token}/_doc",
                         "A record of Slurm's jobcomp/elasticsearch"));
  Route handshake;
  handshake.method = "OPTIONS";
  handshake.pattern = "/hooks/generic";
  handshake.access = Access::hook;
  handshake.operation = "hook_generic_handshake";
  handshake.summary = "The handshake of CloudEvents: may I post here?";
  handshake.handle = [intake](const Call& call, const Respond& respond) {
    respond(intake->handshake(call));
  };
  handshake.answers = {{200, "yes"},
                       {204, "what this resource takes"},
                       {400, "no host name asks"},
                       {410, "switched off, or never configured"}};
  handshake.immediate = true;
  routes.push_back(std::move(handshake));
  return routes;
}

}  // namespace amdahl::http
