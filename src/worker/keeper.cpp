#include "keeper.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "child.hpp"
#include "leftovers.hpp"
#include "log.hpp"
#include "shim.hpp"

namespace amdahl::worker {
namespace {

constexpr int exit_not_kept = 1;

sigset_t awaited_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&set, signal);
  return set;
}

// Orphans of the run become children of this process; they are collected, the shim's end is kept.
bool shim_has_ended(pid_t shim, int& status) {
  for (int any = 0;;) {
    const auto ended = ::waitpid(-1, &any, WNOHANG);
    if (ended < 0 && errno == EINTR) continue;
    if (ended <= 0) return ended < 0;
    if (ended == shim) {
      status = any;
      return true;
    }
  }
}

}  // namespace

int keep_shim(const std::filesystem::path& directory) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto signals = awaited_signals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  const auto self = ::getpid();
  const auto shim = ::fork();
  if (shim < 0) {
    log_line(std::string{"cannot fork: "} + std::strerror(errno));
    return exit_not_kept;
  }
  if (shim == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self) ::_exit(exit_not_kept);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::_exit(run_shim(directory, {}));
  }
  int status = 0;
  while (!shim_has_ended(shim, status)) {
    const int signal = ::sigwaitinfo(&signals, nullptr);
    if (signal == SIGTERM || signal == SIGINT) ::kill(shim, signal);
  }
  kill_leftovers();
  return WIFEXITED(status) ? WEXITSTATUS(status) : killed_status + WTERMSIG(status);
}

}  // namespace amdahl::worker
