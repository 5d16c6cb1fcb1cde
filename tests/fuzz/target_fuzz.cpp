#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "parameters.hpp"
#include "router.hpp"
#include "target.hpp"

namespace {

using namespace amdahl;
using core::invariant;
using http::Parameter;
using http::Route;

constexpr std::string_view verb = ":abort";

// Each form that the real table has: plain, `{id}` with something behind it, with and without a
// verb, a word with a verb, a parameter in the middle; and each kind of parameter.
const http::Router& router() {
  static const http::Router made{[] {
    std::vector<Route> routes;
    const auto add = [&](const char* method, const char* pattern,
                         std::vector<Parameter> query = {}) {
      Route route;
      route.method = method;
      route.pattern = pattern;
      route.query = std::move(query);
      routes.push_back(std::move(route));
    };
    add("GET", "/");
    add("GET", "/healthz");
    add("GET", "/api/v1/experiments",
        {{"limit", "", Parameter::Kind::whole},
         {"since", "", Parameter::Kind::time},
         {"running", "", Parameter::Kind::boolean},
         {"state", "", Parameter::Kind::text, {"queued", "decided"}},
         {"cursor", ""}});
    add("GET", "/api/v1/experiments/{id}");
    add("POST", "/api/v1/experiments/{id}:abort");
    add("GET", "/api/v1/experiments/{id}/votes");
    add("GET", "/api/v1/jobs", {{"limit", "", Parameter::Kind::whole}});
    add("POST", "/api/v1/jobs");
    add("POST", "/api/v1/loop:pause");
    add("POST", "/hooks/generic");
    add("OPTIONS", "/hooks/generic");
    add("POST", "/hooks/slurm-es/{token}/_doc");
    return routes;
  }()};
  return made;
}

void check_parts(const http::Target& target) {
  for (const auto& segment : target.segments) {
    invariant(!segment.empty() && segment != "." && segment != ".." && http::is_utf8(segment) &&
                  segment.find('/') == std::string::npos && segment.find('\0') == std::string::npos,
              "a segment is plain text");
  }
  for (const auto& [name, value] : target.query) {
    invariant(http::is_utf8(name) && http::is_utf8(value), "a query is text");
  }
}

// The pattern with what was found in its places.
std::string filled(const Route& route, const std::map<std::string, std::string>& params) {
  std::string path = route.pattern;
  for (const auto& [name, value] : params) {
    invariant(!value.empty(), "a parameter holds something");
    const auto place = path.find("{" + name + "}");
    invariant(place != std::string::npos, "a parameter is one of the pattern");
    path.replace(place, name.size() + 2, value);
  }
  return path;
}

void check_query(const Route& route, const http::Request& request) {
  const auto problem = http::parameters_problem(route, request);
  if (problem) {
    invariant(problem->status == 400 && !problem->errors.empty(), "a refusal names what is wrong");
    const auto answer = nlohmann::json::parse(http::problem_response(request, *problem).body);
    invariant(answer.at("errors").size() == problem->errors.size(), "all of it is said");
    return;
  }
  for (const auto& [name, value] : request.query) {
    const auto known =
        std::find_if(route.query.begin(), route.query.end(),
                     [&, &wanted = name](const auto& one) { return one.name == wanted; });
    invariant(known != route.query.end(), "an unknown parameter is refused");
    if (known->kind == Parameter::Kind::whole) {
      const auto number = http::whole_number(value);
      invariant(number && *number >= 0 && *number <= std::int64_t{1} << 53, "a number is exact");
    }
    if (known->kind == Parameter::Kind::time)
      invariant(value.size() >= 20 && value.size() <= 27 && value.back() == 'Z', "a time is UTC");
    if (known->kind == Parameter::Kind::boolean)
      invariant(value == "true" || value == "false", "a boolean is one");
    if (!known->allowed.empty())
      invariant(value == "queued" || value == "decided", "a word is one of its list");
  }
}

}  // namespace

// Whatever a client sends as its target, by every method: taken apart or refused, and what is taken
// apart is safe, goes to the one route that it spells, with a query that the route's table allows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto target = http::parse_target({reinterpret_cast<const char*>(data), size});
  if (!target) return 0;
  check_parts(*target);
  std::string path;
  for (const auto& segment : target->segments) path += "/" + segment;
  http::Request request;
  request.path = target->path;
  request.query = std::move(target->query);
  for (const auto* method : {"GET", "HEAD", "POST", "OPTIONS", "BREW"}) {
    request.method = method;
    const auto match = router().match(method, target->segments);
    if (match.route == nullptr) {
      invariant(
          std::find(match.allowed.begin(), match.allowed.end(), method) == match.allowed.end(),
          "a method that is allowed has a route");
      continue;
    }
    const auto& route = *match.route;
    invariant(route.method == method || (request.method == "HEAD" && route.method == "GET"),
              "a route is of its method");
    invariant(filled(route, match.params) == (path.empty() ? "/" : path), "a route is of its path");
    if (route.pattern.ends_with("/{id}"))
      invariant(!path.ends_with(verb) || match.params.at("id") == verb, "a verb wins");
    check_query(route, request);
  }
  return 0;
}
