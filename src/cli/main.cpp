#include <iostream>

#include "assemble.hpp"
#include "commands.hpp"
#include "run_cli.hpp"
#include "services.hpp"
#include "system.hpp"

int main(int argc, char** argv) {
  using namespace amdahl::cli;
  std::ios::sync_with_stdio(false);
  const auto clock = make_system_clock();
  auto env = make_system_environment(*clock, argv[0]);
  const auto code = run_cli(command_groups(), {argv + 1, argv + argc}, env,
                            [&](const GlobalOptions& options) { return assemble(env, options); });
  std::cout.flush();
  return static_cast<int>(code);
}
