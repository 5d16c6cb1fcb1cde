#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "amdahl/core/result.hpp"
#include "command.hpp"

namespace amdahl::cli {

/// The `runs` row of a run key, newest runs first; not_found beyond the newest few thousand.
core::Result<void> find_run_row(Context& context, const std::string& run_key, nlohmann::json& row);

}  // namespace amdahl::cli
