#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "amdahl/core/result.hpp"
#include "command.hpp"

namespace amdahl::cli {

/// The status read model, with `version` and `waiting` [{reason, next}] added.
core::Result<void> read_status(Context& context, nlohmann::json& document);

/// What a person can see to be in the way, from the read model alone.
nlohmann::json waiting_of(const nlohmann::json& status);

std::string status_text(const nlohmann::json& status);

}  // namespace amdahl::cli
