#include "leftovers.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "log.hpp"
#include "memory.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

constexpr std::int64_t give_up_after_ns = 10'000'000'000;  // stuck in the kernel, most likely

// Whether no child is left.
bool collect_ended(int& collected) {
  for (;;) {
    const auto ended = ::waitpid(-1, nullptr, WNOHANG);
    if (ended > 0) ++collected;
    if (ended == 0) return false;
    if (ended < 0 && errno != EINTR) return true;
  }
}

}  // namespace

void kill_leftovers() {
  const auto give_up = monotonic_ns() + give_up_after_ns;
  int collected = 0;
  while (!collect_ended(collected)) {
    // Children of a killed process become ours: the next round meets them.
    for (const auto child : children_of(::getpid())) ::kill(child, SIGKILL);
    if (monotonic_ns() > give_up) {
      log_line("some processes of the leg cannot be killed");
      return;
    }
    ::poll(nullptr, 0, 1);
  }
  if (collected > 0)
    log_line("killed " + std::to_string(collected) + " processes that the leg left behind");
}

}  // namespace amdahl::worker
