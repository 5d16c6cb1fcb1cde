#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/run_files/durable.hpp"
#include "keeper.hpp"
#include "shim.hpp"
#include "start.hpp"
#include "task.hpp"

namespace {

constexpr int exit_usage = 64;
constexpr int exit_not_started = 75;  // EX_TEMPFAIL: no shim, try again

constexpr std::string_view help =
    "amdahl-run: the worker's side of Amdahl Loop. The service starts it; people need it to look\n"
    "at one run directory.\n"
    "\n"
    "  amdahl-run start DIR   start the run in DIR, detached; print one JSON line\n"
    "  amdahl-run run DIR     run it in the foreground\n"
    "  amdahl-run job DIR     the same as the program of a batch job: what the run leaves behind\n"
    "                         is killed, also when the shim itself was\n"
    "  amdahl-run task DIR LEG  srun starts it on each node of a leg of a run on several\n"
    "  amdahl-run --version\n";

void print(int fd, std::string_view text) { amdahl::run_files::write_all(fd, text); }

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (argc == 2 && command == "--version") {
    print(STDOUT_FILENO, "amdahl-run " AMDAHL_VERSION "\n");
    return 0;
  }
  if (argc == 2 && (command == "--help" || command == "-h")) {
    print(STDOUT_FILENO, help);
    return 0;
  }
  const auto leg = argc == 4 ? amdahl::core::parse_whole(argv[3]) : std::nullopt;
  const bool task = command == "task" && leg && *leg >= 0;
  if (!task && (argc != 3 || (command != "start" && command != "run" && command != "job"))) {
    print(STDERR_FILENO, help);
    return exit_usage;
  }
  const char* failpoint = std::getenv(amdahl::core::failpoint_variable);
  if (const auto armed = amdahl::core::arm_failpoint(failpoint == nullptr ? "" : failpoint);
      !armed) {
    print(STDERR_FILENO, "amdahl-run: " + armed.error().message + "; " + armed.error().hint + "\n");
    return exit_not_started;
  }
  std::error_code error;
  const auto directory = std::filesystem::canonical(argv[2], error);
  if (error) {
    print(STDERR_FILENO,
          "amdahl-run: cannot open " + std::string{argv[2]} + ": " + error.message() + "\n");
    return 65;
  }
  if (command == "job") return amdahl::worker::keep_shim(directory);
  if (command == "start") return amdahl::worker::start_detached(directory);
  ::signal(SIGPIPE, SIG_IGN);
  if (task) return amdahl::worker::run_task(directory, static_cast<std::size_t>(*leg));
  return amdahl::worker::run_shim(directory, {});
}
