#include "parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "amdahl/core/quantity.hpp"

namespace amdahl::http {
namespace {

constexpr std::int64_t exact_max = std::int64_t{1} << 53;  // what JSON carries exactly

bool digits(std::string_view text, std::size_t from, std::size_t count) {
  return text.size() >= from + count &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                     text.begin() + static_cast<std::ptrdiff_t>(from + count),
                     [](char c) { return c >= '0' && c <= '9'; });
}

int number_at(std::string_view text, std::size_t from, std::size_t count) {
  int number = 0;
  std::from_chars(text.data() + from, text.data() + from + count, number);
  return number;
}

// RFC 3339, UTC, whole or fractional seconds.
bool is_time(std::string_view text) {
  if (!digits(text, 0, 4) || !digits(text, 5, 2) || !digits(text, 8, 2) || !digits(text, 11, 2) ||
      !digits(text, 14, 2) || !digits(text, 17, 2))
    return false;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return false;
  auto rest = text.substr(19);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const auto end = rest.find_first_not_of("0123456789");
    if (end == 0 || end == std::string_view::npos || end > 6) return false;
    rest.remove_prefix(end);
  }
  const int month = number_at(text, 5, 2), day = number_at(text, 8, 2);
  const int year = number_at(text, 0, 4);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return rest == "Z" && year > 0 && month >= 1 && month <= 12 && day >= 1 &&
         day <= days[month - 1] + (month == 2 && leap ? 1 : 0) && number_at(text, 11, 2) < 24 &&
         number_at(text, 14, 2) < 60 && number_at(text, 17, 2) < 60;
}

std::string problem_with(const Parameter& parameter, const std::string& value) {
  switch (parameter.kind) {
    case Parameter::Kind::whole:
      return whole_number(value) ? "" : "it is no whole number from 0 to 2^53";
    case Parameter::Kind::time:
      return is_time(value) ? "" : "it is no time like 2026-11-21T09:14:07Z";
    case Parameter::Kind::boolean:
      return value == "true" || value == "false" ? "" : "it is neither true nor false";
    case Parameter::Kind::text:
      break;
  }
  if (!parameter.allowed.empty() && std::find(parameter.allowed.begin(), parameter.allowed.end(),
                                              value) == parameter.allowed.end())
    return fmt::format("it is none of {}", fmt::join(parameter.allowed, ", "));
  return "";
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
  const auto number = core::parse_whole(text);
  return number && *number <= exact_max ? number : std::nullopt;
}

nlohmann::json schema_of(const Parameter& parameter) {
  switch (parameter.kind) {
    case Parameter::Kind::whole:
      return {{"type", "integer"}, {"minimum", 0}, {"maximum", exact_max}};
    case Parameter::Kind::time:
      return {{"type", "string"}, {"format", "date-time"}, {"pattern", "Z$"}};
    case Parameter::Kind::boolean:
      return {{"type", "boolean"}};
    case Parameter::Kind::text:
      break;
  }
  nlohmann::json schema{{"type", "string"}};
  if (!parameter.allowed.empty()) schema["enum"] = parameter.allowed;
  return schema;
}

std::optional<Problem> parameters_problem(const Route& route, const Request& request) {
  Problem problem{400, "bad-request", "the query has something wrong", ""};
  for (const auto& [name, value] : request.query) {
    const auto it = std::find_if(route.query.begin(), route.query.end(),
                                 [&](const auto& parameter) { return parameter.name == name; });
    if (it == route.query.end()) {
      problem.errors.push_back({"?" + name, "there is no such parameter here"});
    } else if (auto what = problem_with(*it, value); !what.empty()) {
      problem.errors.push_back({"?" + name, std::move(what), schema_of(*it)});
    }
  }
  if (problem.errors.empty()) return std::nullopt;
  return problem;
}

}  // namespace amdahl::http
