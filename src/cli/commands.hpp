#pragma once

#include "command.hpp"

namespace amdahl::cli {

// Each in the file of its name.
Command abort_command();
Command approve_command();
Command bank_command();
Command champion_command();
Command completion_command();
Command config_command();
Command cycle_command();
Command db_command();
Command dev_command();
Command doctor_command();
Command experiments_command();
Command explain_command();
Command import_command();
Command jobs_command();
Command judge_command();
Command ledger_command();
Command logs_command();
Command pause_command();
Command propose_command();
Command rank_command();
Command resume_command();
Command run_command();
Command runs_command();
Command schema_command();
Command serve_command();
Command simulate_command();
Command status_command();
Command hook_command();
Command token_command();
Command version_command();
Command wait_command();
Command watch_command();

/// The command table, in the order of the help.
std::vector<CommandGroup> command_groups();

}  // namespace amdahl::cli
