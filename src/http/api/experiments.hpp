#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// `EXP-12`, `exp-12` or `12`.
std::optional<std::int64_t> experiment_number(std::string_view text);

/// The experiment that the path names, as that read model shows it; none where there is none.
std::optional<nlohmann::json> experiment_of(const Call& call, std::string_view view);

/// Its ETag: another one as soon as something that a person decides by has changed.
std::string experiment_tag(const nlohmann::json& experiment);

}  // namespace amdahl::http
