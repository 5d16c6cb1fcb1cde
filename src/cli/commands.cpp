#include "commands.hpp"

namespace amdahl::cli {

std::vector<CommandGroup> command_groups() {
  return {{"everyday", {jobs_command()}},
          {"check", {judge_command(), config_command(), version_command()}}};
}

}  // namespace amdahl::cli
