#pragma once

#include <optional>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// What is wrong with the query of a request, seen by the route's table: an unknown name, a value
/// of another kind. All of it at once.
std::optional<Problem> parameters_problem(const Route& route, const Request& request);

/// A parameter's values as JSON Schema.
nlohmann::json schema_of(const Parameter& parameter);

/// The value of a whole number from 0 to 2^53; none where it is no such number.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace amdahl::http
