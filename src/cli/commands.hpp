#pragma once

#include "command.hpp"

namespace amdahl::cli {

// One file each.
Command config_command();
Command jobs_command();
Command judge_command();
Command version_command();

/// The command table, in the order of the help.
std::vector<CommandGroup> command_groups();

}  // namespace amdahl::cli
