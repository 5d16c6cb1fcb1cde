#include <algorithm>
#include <set>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/http/api.hpp"
#include "parameters.hpp"

namespace amdahl::http {
namespace {

using nlohmann::json;

// `amdahl.status/v1` → `status`: names of components take no slash.
std::string component(const std::string& schema) {
  constexpr std::string_view prefix = "amdahl.";
  const auto end = schema.find('/');
  return schema.substr(prefix.size(), end - prefix.size());
}

json parameters_of(const Route& route) {
  auto all = json::array();
  for (std::size_t at = route.pattern.find('{'); at != std::string::npos;
       at = route.pattern.find('{', at + 1)) {
    const auto end = route.pattern.find('}', at);
    all.push_back({{"name", route.pattern.substr(at + 1, end - at - 1)},
                   {"in", "path"},
                   {"required", true},
                   {"schema", {{"type", "string"}, {"minLength", 1}}}});
  }
  for (const auto& parameter : route.query) {
    all.push_back({{"name", parameter.name},
                   {"in", "query"},
                   {"description", parameter.what},
                   {"schema", schema_of(parameter)}});
  }
  const bool writes =
      route.method == "POST" && route.access != Access::hook && route.access != Access::run;
  if (writes) {
    all.push_back({{"name", "Idempotency-Key"},
                   {"in", "header"},
                   {"required", route.operation == "put_command"},
                   {"description", "the same key twice is one request"},
                   {"schema", {{"type", "string"}, {"pattern", "^[A-Za-z0-9_.:-]{1,120}$"}}}});
  }
  const bool matched = std::any_of(route.answers.begin(), route.answers.end(),
                                   [](const auto& answer) { return answer.status == 428; });
  if (matched) {
    all.push_back({{"name", "If-Match"},
                   {"in", "header"},
                   {"required", true},
                   {"description", "the ETag that you saw, or *"},
                   {"schema", {{"type", "string"}}}});
  }
  return all;
}

json answer_of(const Route& route, const Answer& answer) {
  json described{{"description", answer.what.empty() ? "a problem (RFC 9457)" : answer.what}};
  constexpr int first_problem = 400;
  if (answer.status >= first_problem) {
    described["content"]["application/problem+json"]["schema"]["$ref"] =
        "#/components/schemas/problem";
  } else if (!answer.schema.empty()) {
    described["content"]["application/json"]["schema"]["$ref"] =
        "#/components/schemas/" + component(answer.schema);
  } else if (route.operation == "get_openapi") {
    described["content"]["application/json"]["schema"] = {{"type", "object"}};
  } else if (route.operation == "get_stream") {
    described["content"]["text/event-stream"]["schema"] = {{"type", "string"}};
  } else if (route.operation == "get_metrics") {
    described["content"]["text/plain"]["schema"] = {{"type", "string"}};
  }
  return described;
}

// With what the service may answer before a route is asked, or instead of it.
std::vector<Answer> all_answers_of(const Route& route) {
  auto answers = route.answers;
  const auto add = [&](int status, const char* what) {
    const bool there = std::any_of(answers.begin(), answers.end(),
                                   [&](const auto& answer) { return answer.status == status; });
    if (!there) answers.push_back({status, what});
  };
  add(400, "it cannot be read: no HTTP/1.1, or a path or a query that has something wrong");
  if (route.access == Access::local) add(401, "on a network without a token");
  add(413, "the body is too large");
  if (route.access != Access::hook) add(429, "too many requests a second");
  add(431, "the headers are too large");
  add(500, "a bug of the service, whose log names it by the request's id");
  add(503, "the ledger does not answer, too much waits, or there was no answer in time");
  return answers;
}

std::string_view scope_word(Access access) {
  switch (access) {
    case Access::propose:
      return "propose";
    case Access::operate:
      return "operate";
    case Access::admin:
      return "admin";
    default:
      return "read";
  }
}

json operation_of(const Route& route) {
  json operation{{"operationId", route.operation}, {"summary", route.summary}};
  if (auto parameters = parameters_of(route); !parameters.empty())
    operation["parameters"] = std::move(parameters);
  if (!route.body.is_null()) {
    operation["requestBody"]["content"]["application/json"]["schema"] = route.body;
    operation["requestBody"]["required"] = route.body.contains("required");
  }
  for (const auto& answer : all_answers_of(route))
    operation["responses"][std::to_string(answer.status)] = answer_of(route, answer);
  if (route.access == Access::hook || route.access == Access::local) {
    operation["security"] = json::array({json::object()});
  } else if (route.access == Access::run) {
    operation["security"] = json::array({{{"run_token", json::array()}}});
  } else {
    operation["security"] = json::array({{{"token", json::array()}}});
    operation["x-scope"] = scope_word(route.access);
  }
  return operation;
}

const json& problem_schema() {
  static const json schema{
      {"type", "object"},
      {"required", {"type", "title", "status", "detail", "instance", "request_id"}},
      {"properties",
       {{"type", {{"type", "string"}}},
        {"title", {{"type", "string"}}},
        {"status", {{"type", "integer"}}},
        {"detail", {{"type", "string"}}},
        {"instance", {{"type", "string"}}},
        {"hint", {{"type", "string"}}},
        {"request_id", {{"type", "string"}}},
        {"errors",
         {{"type", "array"},
          {"items",
           {{"type", "object"},
            {"required", {"pointer", "problem"}},
            {"properties",
             {{"pointer", {{"type", "string"}}},
              {"problem", {{"type", "string"}}},
              {"allowed",
               {{"type", "object"},
                {"description", "what would be right there, in words of JSON Schema"}}}}}}}}}}}};
  return schema;
}

// References within a schema are from its own root, which is a component here.
void move_references(json& schema, const std::string& place) {
  if (schema.is_object()) {
    const auto it = schema.find("$ref");
    if (it != schema.end() && it->is_string()) {
      const auto text = it->get<std::string>();
      if (text.starts_with("#/")) *it = place + text.substr(1);
    }
  }
  if (schema.is_structured()) {
    for (auto& member : schema) move_references(member, place);
  }
}

json schemas_of(const std::vector<Route>& routes,
                const std::function<std::string_view(std::string_view)>& text_of) {
  json schemas{{"problem", problem_schema()}};
  for (const auto& route : routes) {
    for (const auto& answer : route.answers) {
      if (answer.schema.empty()) continue;
      const auto text = text_of ? text_of(answer.schema) : std::string_view{};
      auto schema = text.empty() ? json{{"type", "object"}} : json::parse(text);
      schema.erase("$id");  // where it stands here is its place
      schema.erase("$schema");
      const auto name = component(answer.schema);
      move_references(schema, "#/components/schemas/" + name);
      schemas[name] = std::move(schema);
    }
  }
  return schemas;
}

}  // namespace

json openapi_document(const std::vector<Route>& routes, const std::string& version,
                      const std::function<std::string_view(std::string_view)>& schema) {
  json document{{"openapi", "3.1.0"},
                {"info",
                 {{"title", "Amdahl Loop"},
                  {"version", version},
                  {"description",
                   "What the loop knows and can be asked. Times are RFC 3339 in UTC, absent "
                   "is null is unknown, errors are problems (RFC 9457). Where nothing is the "
                   "answer is 404, to a method that a path has not it is 405 with Allow."}}},
                {"components",
                 {{"schemas", schemas_of(routes, schema)},
                  {"securitySchemes",
                   {{"token",
                     {{"type", "http"},
                      {"scheme", "bearer"},
                      {"description", "amdahl token create NAME --scope SCOPE"}}},
                    {"run_token",
                     {{"type", "http"},
                      {"scheme", "bearer"},
                      {"description", "of one run, in post.json of its directory"}}}}}}}};
  for (const auto& route : routes) {
    auto method = route.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    document["paths"][route.pattern][method] = operation_of(route);
  }
  return document;
}

}  // namespace amdahl::http
