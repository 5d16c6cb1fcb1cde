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
constexpr std::int64_t stop_word_within_ns = 200 * ns_per_ms;

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

// Says each word once, when its time has come.
class Stopping {
 public:
  explicit Stopping(const std::vector<StopWord>& words) : words_{words} {}
  void begin(std::int64_t now) {
    if (begun_ns_ == never_ns) begun_ns_ = now;
  }
  void say_what_is_due(std::int64_t now) {
    while (now >= next_ns()) words_[said_++].say();
  }
  std::int64_t next_ns() const {
    if (begun_ns_ == never_ns || said_ == words_.size()) return never_ns;
    return begun_ns_ + words_[said_].after.count() * ns_per_ms;
  }

 private:
  const std::vector<StopWord>& words_;
  std::int64_t begun_ns_ = never_ns;
  std::size_t said_ = 0;
};

// Slurm tells all processes of a job to end, the leg's own as well, one after the other: what fails
// at this moment did not fail by itself.
bool was_stopped(int status, Interrupts& interrupts) {
  interrupts.notice();
  const auto end = monotonic_ns() + (status == 0 ? 0 : stop_word_within_ns);
  while (!interrupts.cancelled(true)) {
    const auto left_ms = (end - monotonic_ns()) / ns_per_ms;
    if (left_ms <= 0) return false;
    interrupts.wait(std::chrono::milliseconds{left_ms});
  }
  return true;
}

int poll_timeout_ms(std::int64_t now, std::int64_t next) {
  // Rounded up, or the last millisecond would be spent spinning.
  return static_cast<int>(
      std::clamp<std::int64_t>((next - now + ns_per_ms - 1) / ns_per_ms, 0, 200));
}

}  // namespace

std::vector<StopWord> signals_to(const Child& child) {
  const auto group = child.pid;
  return {{std::chrono::milliseconds{0}, [group] { ::kill(-group, SIGTERM); }},
          {core::limits::kill_grace, [group] { ::kill(-group, SIGKILL); }}};
}

Ending supervise(Child& child, BoundedOutput& output, BoundedOutput& error,
                 std::chrono::milliseconds limit, Interrupts& interrupts,
                 const std::vector<StopWord>& stop_words) {
  Ending ending;
  MemoryWatch memory{child.pid};
  Stopping stopping{stop_words};
  const auto limit_ns = limit.count() > 0 ? child.exec_ns + limit.count() * ns_per_ms : never_ns;
  std::int64_t look_again_ns = 0;
  bool exited = false;
  while (!exited) {
    auto now = monotonic_ns();
    if (now >= limit_ns && !ending.cancelled) {
      ending.timed_out = true;
      stopping.begin(now);
    }
    stopping.say_what_is_due(now);
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
      stopping.begin(now);
      stopping.say_what_is_due(now);
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
  if (!ending.timed_out && !ending.cancelled)
    ending.cancelled = was_stopped(ending.status, interrupts);
  ending.peak_memory_bytes =
      std::max(memory.peak_bytes(), static_cast<std::int64_t>(usage.ru_maxrss) * 1024);
  return ending;
}

}  // namespace amdahl::worker
