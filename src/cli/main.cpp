#include <cstdlib>
#include <iostream>

#include "amdahl/core/failpoint.hpp"
#include "assemble.hpp"
#include "commands.hpp"
#include "run_cli.hpp"
#include "services.hpp"
#include "system.hpp"
#include "terminal_text.hpp"

int main(int argc, char** argv) {
  using namespace amdahl::cli;
  std::ios::sync_with_stdio(false);
  const char* failpoint = std::getenv(amdahl::core::failpoint_variable);
  if (const auto armed = amdahl::core::arm_failpoint(failpoint == nullptr ? "" : failpoint);
      !armed) {
    std::cerr << "amdahl: " << armed.error().message << "; " << armed.error().hint << '\n';
    return static_cast<int>(ExitCode::usage);
  }
  const auto clock = make_system_clock();
  auto env = make_system_environment(*clock, argv[0]);
  TerminalText out{std::cout, {.is_terminal = env.out_is_terminal}};
  const TerminalText err{std::cerr, {.returns = true, .is_terminal = true}};
  env.clear_screen = [&] { out.steer("\x1b[H\x1b[2J"); };
  const auto code = run_cli(command_groups(), {argv + 1, argv + argc}, env,
                            [&](const GlobalOptions& options) { return assemble(env, options); });
  std::cout.flush();
  return static_cast<int>(code);
}
