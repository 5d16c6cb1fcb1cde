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

void check(const json& value, const json& schema, const json::json_pointer& pointer,
           std::vector<FieldProblem>& problems);

void check_object(const json& value, const json& schema, const json::json_pointer& pointer,
                  std::vector<FieldProblem>& problems) {
  const auto properties = schema.value("properties", json::object());
  for (const auto& [key, member] : value.items()) {
    const auto it = properties.find(key);
    if (it != properties.end()) {
      check(member, *it, pointer / key, problems);
    } else if (schema.value("additionalProperties", json(true)) == json(false)) {
      problems.push_back({(pointer / key).to_string(), "there is no such member"});
    }
  }
  for (const auto& required : schema.value("required", json::array())) {
    const auto key = required.get<std::string>();
    if (!value.contains(key)) problems.push_back({(pointer / key).to_string(), "it is missing"});
  }
}

// These words of a schema, as far as it has them.
json words_of(const json& schema, std::initializer_list<const char*> words) {
  auto some = json::object();
  for (const auto* word : words) {
    if (schema.contains(word)) some[word] = schema[word];
  }
  return some;
}

void check_bounds(const json& value, const json& schema, const json::json_pointer& pointer,
                  std::vector<FieldProblem>& problems) {
  if (value.is_string()) {
    const auto length = length_of(value.get_ref<const std::string&>());
    const auto allowed = words_of(schema, {"minLength", "maxLength"});
    if (length < schema.value("minLength", std::size_t{0}))
      problems.push_back({pointer.to_string(), "it is too short", allowed});
    if (const auto most = schema.find("maxLength");
        most != schema.end() && length > most->get<std::size_t>())
      problems.push_back(
          {pointer.to_string(), fmt::format("it is over {} characters", most->dump()), allowed});
  }
  if (!value.is_number()) return;
  const auto number = value.get<double>();
  const auto least = schema.find("minimum"), most = schema.find("maximum");
  const auto allowed = words_of(schema, {"minimum", "maximum"});
  if (least != schema.end() && number < least->get<double>())
    problems.push_back({pointer.to_string(), "it is less than " + least->dump(), allowed});
  if (most != schema.end() && number > most->get<double>())
    problems.push_back({pointer.to_string(), "it is more than " + most->dump(), allowed});
}

void check(const json& value, const json& schema, const json::json_pointer& pointer,
           std::vector<FieldProblem>& problems) {
  const auto type = schema.value("type", std::string{});
  if (!type.empty() && !is_type(value, type)) {
    problems.push_back(
        {pointer.to_string(), fmt::format("it is no {}", type), words_of(schema, {"type"})});
    return;
  }
  const auto allowed = schema.find("enum");
  if (allowed != schema.end() &&
      std::find(allowed->begin(), allowed->end(), value) == allowed->end())
    problems.push_back(
        {pointer.to_string(), "it is none of " + allowed->dump(), words_of(schema, {"enum"})});
  if (value.is_object()) check_object(value, schema, pointer, problems);
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i)
      check(value[i], schema["items"], pointer / i, problems);
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
  Problem problem{422, "invalid", "the body has something wrong", "/openapi.json describes it"};
  check(body, schema, json::json_pointer{}, problem.errors);
  if (!problem.errors.empty()) return problem;
  return body;
}

}  // namespace amdahl::http
