#include "system.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

namespace amdahl::cli {

namespace {

std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int) {
  // The first asks, the second insists (`dev` stops its legs); the third does not wait.
  constexpr int patience = 2;
  constexpr int interrupted = 130;
  if (interrupts.fetch_add(1) >= patience) ::_exit(interrupted);
}

std::atomic<int> hangups{0};

void on_hangup(int) { hangups.fetch_add(1); }

// Only a service obeys SIGHUP: for every other command a terminal that hangs up is the end.
int count_hangups() {
  static const bool caught = [] {
    struct sigaction action {};
    action.sa_handler = on_hangup;
    return ::sigaction(SIGHUP, &action, nullptr) == 0;
  }();
  return caught ? hangups.load() : 0;
}

}  // namespace

Environment make_system_environment(core::Clock& clock, const char* argv0) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::error_code ignored;
  auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (program.empty()) program = argv0;
  return {std::cin,
          std::cout,
          std::cerr,
          clock,
          ::isatty(STDOUT_FILENO) == 1,
          ::geteuid() == 0,
          std::filesystem::current_path(ignored),
          program,
          process_variables(),
          [](std::chrono::milliseconds time) {
            const auto until = std::chrono::steady_clock::now() + time;
            const int before = interrupts;
            while (interrupts == before && std::chrono::steady_clock::now() < until) {
              const auto rest = until - std::chrono::steady_clock::now();
              std::this_thread::sleep_for(
                  std::min<std::chrono::nanoseconds>(rest, std::chrono::milliseconds{50}));
            }
          },
          [] { return interrupts.load(); },
          count_hangups};
}

}  // namespace amdahl::cli
