#include "commands.hpp"

namespace amdahl::cli {

std::vector<CommandGroup> command_groups() {
  return {
      {"everyday",
       {status_command(), rank_command(), explain_command(), bank_command(), jobs_command(),
        experiments_command(), runs_command(), logs_command(), watch_command()}},
      {"decide",
       {propose_command(), approve_command(), abort_command(), wait_command(), champion_command(),
        run_command()}},
      {"loop",
       {serve_command(), dev_command(), pause_command(), resume_command(), cycle_command()}},
      {"ledger", {ledger_command(), db_command()}},
      {"connect", {import_command(), token_command(), hook_command()}},
      {"check",
       {doctor_command(), config_command(), judge_command(), simulate_command(), schema_command(),
        version_command()}},
      {"shell", {completion_command()}},
  };
}

}  // namespace amdahl::cli
