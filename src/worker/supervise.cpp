#include "supervise.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "amdahl/core/limits.hpp"
#include "leftovers.hpp"
#include "memory.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

using run_files::UniqueFd;

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t never_ns = INT64_MAX;
constexpr std::int64_t look_every_ns = 200 * ns_per_ms;  // for requests; inotify may be missing
constexpr std::size_t piece_bytes = 64 * 1024;           // what a pipe holds
constexpr int pieces_at_the_end = 64;  // no writer lives any more: a pipe's content at most

// Moves what is there now; closes the pipe at its end. False when nothing came.
bool drain(UniqueFd& pipe, BoundedOutput& into) {
  static std::array<char, piece_bytes> buffer;
  const auto got = ::read(pipe.get(), buffer.data(), buffer.size());
  if (got > 0) {
    into.add({buffer.data(), static_cast<std::size_t>(got)});
    return true;
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) pipe.reset();
  return false;
}

// Asks first, forces after the grace.
class Stopping {
 public:
  explicit Stopping(pid_t group) : group_{group} {}
  void ask(std::int64_t now) {
    if (kill_ns_ != never_ns || killed_) return;
    ::kill(-group_, SIGTERM);
    kill_ns_ = now + std::chrono::nanoseconds{core::limits::kill_grace}.count();
  }
  void force_when_due(std::int64_t now) {
    if (now < kill_ns_) return;
    ::kill(-group_, SIGKILL);
    killed_ = true;
    kill_ns_ = never_ns;
  }
  std::int64_t next_ns() const { return kill_ns_; }

 private:
  pid_t group_;
  std::int64_t kill_ns_ = never_ns;
  bool killed_ = false;
};

int poll_timeout_ms(std::int64_t now, std::int64_t next) {
  // Rounded up, or the last millisecond would be spent spinning.
  return static_cast<int>(
      std::clamp<std::int64_t>((next - now + ns_per_ms - 1) / ns_per_ms, 0, 200));
}

}  // namespace

Ending supervise(Child& child, BoundedOutput& output, BoundedOutput& error,
                 std::chrono::milliseconds limit, Interrupts& interrupts) {
  Ending ending;
  MemoryWatch memory{child.pid};
  Stopping stopping{child.pid};
  const auto limit_ns = limit.count() > 0 ? child.exec_ns + limit.count() * ns_per_ms : never_ns;
  std::int64_t look_again_ns = 0;
  bool exited = false;
  while (!exited) {
    auto now = monotonic_ns();
    if (now >= limit_ns && !ending.cancelled) {
      ending.timed_out = true;
      stopping.ask(now);
    }
    stopping.force_when_due(now);
    memory.sample(now);
    const auto next =
        std::min({ending.timed_out ? never_ns : limit_ns, stopping.next_ns(), memory.next_ns()});
    std::array<pollfd, 4> polled{{{child.pidfd.get(), POLLIN, 0},
                                  {child.standard_output.get(), POLLIN, 0},
                                  {child.standard_error.get(), POLLIN, 0},
                                  {interrupts.fd(), POLLIN, 0}}};
    ::poll(polled.data(), polled.size(), poll_timeout_ms(monotonic_ns(), next));
    now = monotonic_ns();
    if (polled[0].revents != 0) {
      ending.exit_ns = now;
      exited = true;
    }
    if (polled[1].revents != 0) drain(child.standard_output, output);
    if (polled[2].revents != 0) drain(child.standard_error, error);
    if (polled[3].revents != 0) interrupts.notice();
    const bool look = polled[3].revents != 0 || now >= look_again_ns;
    if (look) look_again_ns = now + look_every_ns;
    if (look && !exited && !ending.cancelled && interrupts.cancelled(true)) {
      ending.cancelled = true;
      stopping.ask(now);
    }
  }
  // Before the zombie is collected: until then its process group cannot be anybody else's.
  ::kill(-child.pid, SIGKILL);
  struct rusage usage {};
  ::wait4(child.pid, &ending.status, 0, &usage);
  kill_leftovers();
  for (int i = 0;
       child.standard_output && i < pieces_at_the_end && drain(child.standard_output, output);)
    ++i;
  for (int i = 0;
       child.standard_error && i < pieces_at_the_end && drain(child.standard_error, error);)
    ++i;
  ending.peak_memory_bytes =
      std::max(memory.peak_bytes(), static_cast<std::int64_t>(usage.ru_maxrss) * 1024);
  return ending;
}

}  // namespace amdahl::worker
