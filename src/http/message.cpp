#include "amdahl/http/message.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace amdahl::http {

using core::ErrorCode;

std::string_view Request::header(std::string_view name) const {
  const auto it = std::find_if(headers.begin(), headers.end(),
                               [&](const auto& field) { return field.first == name; });
  return it == headers.end() ? std::string_view{} : it->second;
}

int Request::count(std::string_view name) const {
  return static_cast<int>(std::count_if(headers.begin(), headers.end(),
                                        [&](const auto& field) { return field.first == name; }));
}

std::string_view Request::bearer() const {
  constexpr std::string_view scheme = "bearer ";
  auto value = header("authorization");
  const bool fits = count("authorization") == 1 && value.size() > scheme.size() &&
                    std::equal(scheme.begin(), scheme.end(), value.begin(), [](char a, char b) {
                      return a == static_cast<char>(b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
                    });
  if (!fits) return {};
  value.remove_prefix(scheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  const auto it = std::find_if(query.begin(), query.end(),
                               [&](const auto& field) { return field.first == name; });
  if (it == query.end()) return std::nullopt;
  return it->second;
}

Response json_response(int status, const nlohmann::json& document) {
  Response response;
  response.status = status;
  response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

const std::vector<ProblemKind>& problem_kinds() {
  static const std::vector<ProblemKind> kinds{
      {"bad-request", "The request cannot be read", "/openapi.json says what may be asked"},
      {"bad-signature", "The signature does not fit"},
      {"conflict", "The state changed, or does not allow it"},
      {"forbidden", "Not allowed"},
      {"gone", "This source is switched off"},
      {"internal", "Our bug", "look for the request_id in the service's log, and report it"},
      {"in-doubt", "It is not known whether this was stored"},
      {"invalid", "A field is wrong"},
      {"ledger-unavailable", "The ledger does not answer"},
      {"method-not-allowed", "This resource has no such method"},
      {"no-token", "A token is needed"},
      {"not-found", "There is no such thing"},
      {"other-schema", "The ledger's schema is not this program's"},
      {"overloaded", "Too much waits already"},
      {"precondition-failed", "It is not as you saw it"},
      {"precondition-required", "If-Match is needed"},
      {"stale-time", "The time is too far from ours"},
      {"timeout", "There was no answer in time",
       "ask again; with the same Idempotency-Key it is one request"},
      {"too-large", "Too large", "send less at once"},
      {"too-many-requests", "Too many requests"},
      {"unsupported-media-type", "This content type is not read here"},
      {"wrong-token", "The token opens nothing"},
  };
  return kinds;
}

namespace {

ProblemKind kind_of(std::string_view kind) {
  const auto& kinds = problem_kinds();
  const auto it =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& row) { return row.kind == kind; });
  return it == kinds.end() ? ProblemKind{kind, "Problem"} : *it;
}

}  // namespace

Response problem_response(const Request& request, const Problem& problem) {
  const auto kind = kind_of(problem.kind);
  nlohmann::json document{{"type", "https://amdahl.dev/problems/" + problem.kind},
                          {"title", kind.title},
                          {"status", problem.status},
                          {"detail", problem.detail},
                          {"instance", request.path},
                          {"request_id", request.id}};
  const auto hint = problem.hint.empty() ? kind.hint : std::string_view{problem.hint};
  if (!hint.empty()) document["hint"] = hint;
  for (const auto& error : problem.errors) {
    auto& shown = document["errors"].emplace_back();
    shown = {{"pointer", error.pointer}, {"problem", error.problem}};
    if (!error.allowed.is_null()) shown["allowed"] = error.allowed;
  }
  auto response = json_response(problem.status, document);
  response.content_type = "application/problem+json";
  constexpr int too_many = 429, unavailable = 503, no_token = 401;
  if (problem.status == too_many || problem.status == unavailable)
    response.headers.emplace_back("Retry-After", "2");
  if (problem.status == no_token) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Problem problem_of(const core::Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_input:
    case ErrorCode::invalid_config:
      return {422, "invalid", error.message, error.hint};
    case ErrorCode::not_found:
      return {404, "not-found", error.message, error.hint};
    case ErrorCode::conflict:
      return {409, "conflict", error.message, error.hint};
    case ErrorCode::not_allowed:
      return {403, "forbidden", error.message, error.hint};
    case ErrorCode::unreachable:
      return {503, "ledger-unavailable", error.message, error.hint};
    case ErrorCode::timed_out:
      return {504, "timeout", error.message, error.hint};
    case ErrorCode::failed:
      break;
  }
  return {500, "internal", error.message, error.hint};
}

}  // namespace amdahl::http
