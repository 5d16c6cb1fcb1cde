#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace amdahl::cli {

/// Runs one command line: parse, dispatch, report.
ExitCode run_cli(const std::vector<CommandGroup>& groups, const std::vector<std::string>& words,
                 Environment& env,
                 const std::function<std::unique_ptr<Services>(const GlobalOptions&)>& assemble);

}  // namespace amdahl::cli
