#include "supervise.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "support/scratch_folder.hpp"

namespace amdahl::worker {
namespace {

// SIGTERM is blocked by whoever watches for it; as it was, afterwards.
class KeptMask {
 public:
  KeptMask() { ::sigprocmask(SIG_SETMASK, nullptr, &mask_); }
  ~KeptMask() { ::sigprocmask(SIG_SETMASK, &mask_, nullptr); }
  KeptMask(const KeptMask&) = delete;
  KeptMask& operator=(const KeptMask&) = delete;

 private:
  sigset_t mask_{};
};

// How a leg of `script` ends; `told` is called as soon as it has.
template <typename Told>
Ending end_of(const std::string& script, Told told) {
  const KeptMask kept;
  const test::ScratchFolder folder;
  auto interrupts = Interrupts::watch(folder.path());
  REQUIRE(interrupts.has_value());
  auto child = start_child({{"sh", "-c", script}, {{"PATH", ::getenv("PATH")}}, folder.path()});
  REQUIRE(child.has_value());
  BoundedOutput output, error;
  std::thread other{[&, ended = ::dup(child->pidfd.get())] {
    pollfd polled{ended, POLLIN, 0};
    ::poll(&polled, 1, -1);
    ::close(ended);
    told();
  }};
  const auto ending = supervise(*child, output, error, {}, *interrupts, signals_to(*child));
  other.join();
  interrupts->notice();
  return ending;
}

}  // namespace

TEST_CASE("a leg that a scheduler's signal reached before its shim was stopped", "[worker]") {
  const auto tell_shim = [] { ::kill(::getpid(), SIGTERM); };
  CHECK(end_of("kill -TERM $$", tell_shim).cancelled);
  // One that has a handler.
  CHECK(end_of("exit 3", tell_shim).cancelled);
}

TEST_CASE("a leg that fails by itself was not stopped", "[worker]") {
  const auto nobody = [] {};
  const auto killed = end_of("kill -TERM $$", nobody);
  CHECK_FALSE(killed.cancelled);
  CHECK(WTERMSIG(killed.status) == SIGTERM);
  const auto failed = end_of("exit 3", nobody);
  CHECK_FALSE(failed.cancelled);
  CHECK(WEXITSTATUS(failed.status) == 3);
}

}  // namespace amdahl::worker
