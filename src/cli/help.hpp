#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace amdahl::cli {

/// Flags of every command, as rows of the table.
const std::vector<Parameter>& global_parameters();

/// `--follow,-f` → `follow`.
std::string long_name(const std::string& flag);

std::string help_overview(const std::vector<CommandGroup>& groups);
/// `path`: the words that lead to the command, `jobs add`.
std::string help_for(const Command& command, const std::string& path);

}  // namespace amdahl::cli
