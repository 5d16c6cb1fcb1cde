#pragma once

#include <nlohmann/json_fwd.hpp>

#include "command.hpp"
#include "exit_code.hpp"

namespace amdahl::cli {

/// Prints a `job` document: what it runs, its phases, what was tried.
ExitCode print_job(Context& context, const nlohmann::json& document);

}  // namespace amdahl::cli
