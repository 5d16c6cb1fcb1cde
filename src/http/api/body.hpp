#pragma once

#include <nlohmann/json.hpp>
#include <variant>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// The body as a JSON object that has no other members than the schema's, each of its type, and all
/// that are required; or the problem, with every member that is wrong. An empty body is `{}` where
/// nothing is required. Of JSON Schema: type, required, properties, enum, items, minimum, maximum,
/// minLength, maxLength.
std::variant<nlohmann::json, Problem> json_body(const Request& request,
                                                const nlohmann::json& schema);

}  // namespace amdahl::http
