#include "body.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "amdahl/core/canonical_json.hpp"
#include "framing.hpp"

namespace amdahl::http {
namespace {

using nlohmann::json;

bool is_json(std::string_view type) {
  const auto end = type.find(';');
  auto name = std::string{type.substr(0, end)};
  while (name.ends_with(' ')) name.pop_back();
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name == "application/json";
}

bool is_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  return false;
}

// Code points, as JSON Schema counts.
std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

void check(const json& value, const json& schema, const std::string& pointer,
           std::vector<FieldProblem>& problems);

void check_object(const json& value, const json& schema, const std::string& pointer,
                  std::vector<FieldProblem>& problems) {
  const auto properties = schema.value("properties", json::object());
  for (const auto& [key, member] : value.items()) {
    const auto it = properties.find(key);
    if (it != properties.end()) {
      check(member, *it, pointer + "/" + key, problems);
    } else if (schema.value("additionalProperties", json(true)) == json(false)) {
      problems.push_back({pointer + "/" + key, "there is no such member"});
    }
  }
  for (const auto& key : schema.value("required", json::array())) {
    if (!value.contains(key.get<std::string>()))
      problems.push_back({pointer + "/" + key.get<std::string>(), "it is missing"});
  }
}

void check_bounds(const json& value, const json& schema, const std::string& pointer,
                  std::vector<FieldProblem>& problems) {
  if (value.is_string()) {
    const auto length = length_of(value.get_ref<const std::string&>());
    if (length < schema.value("minLength", std::size_t{0}))
      problems.push_back({pointer, "it is too short"});
    if (const auto most = schema.find("maxLength");
        most != schema.end() && length > most->get<std::size_t>())
      problems.push_back({pointer, fmt::format("it is over {} characters", most->dump())});
  }
  if (!value.is_number()) return;
  const auto number = value.get<double>();
  const auto least = schema.find("minimum"), most = schema.find("maximum");
  if (least != schema.end() && number < least->get<double>())
    problems.push_back({pointer, "it is less than " + least->dump()});
  if (most != schema.end() && number > most->get<double>())
    problems.push_back({pointer, "it is more than " + most->dump()});
}

void check(const json& value, const json& schema, const std::string& pointer,
           std::vector<FieldProblem>& problems) {
  const auto type = schema.value("type", std::string{});
  if (!type.empty() && !is_type(value, type)) {
    problems.push_back({pointer, fmt::format("it is no {}", type)});
    return;
  }
  const auto allowed = schema.find("enum");
  if (allowed != schema.end() &&
      std::find(allowed->begin(), allowed->end(), value) == allowed->end())
    problems.push_back({pointer, "it is none of " + allowed->dump()});
  if (value.is_object()) check_object(value, schema, pointer, problems);
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i)
      check(value[i], schema["items"], fmt::format("{}/{}", pointer, i), problems);
  }
  check_bounds(value, schema, pointer, problems);
}

}  // namespace

std::variant<json, Problem> json_body(const Request& request, const json& schema) {
  if (!is_plain(request.headers)) {
    return Problem{415, "unsupported-media-type", "no Content-Encoding is read here",
                   "send the body as it is"};
  }
  json body = json::object();
  if (!request.body.empty()) {
    if (!is_json(request.header("content-type"))) {
      return Problem{415, "unsupported-media-type", "the body must be application/json",
                     "send it with content-type: application/json"};
    }
    auto parsed = core::parse_json(request.body, "body");
    if (!parsed) return Problem{400, "bad-request", parsed.error().message, parsed.error().hint};
    body = std::move(*parsed);
  }
  Problem problem{422, "invalid", "the body has something wrong", ""};
  check(body, schema, "", problem.errors);
  if (!problem.errors.empty()) return problem;
  return body;
}

}  // namespace amdahl::http
