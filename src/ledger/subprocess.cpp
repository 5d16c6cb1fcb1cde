#include "subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace amdahl::ledger {
namespace {

constexpr std::size_t output_bytes_max = 64 * 1024;
constexpr int exec_failed = 127;

// Between fork and exec: calls that are safe after a fork of a threaded process, and no others.
[[noreturn]] void become(char* const* argv, const std::optional<UserIds>& user, int output) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) {
    ::_exit(exec_failed);
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->gid) != 0 || ::setuid(user->uid) != 0)) {
    ::_exit(exec_failed);
  }
  ::umask(077);
  if (::chdir("/") != 0) ::_exit(exec_failed);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(argv[0], argv);
  ::_exit(exec_failed);
}

// Reads until the child closes its end; false when the deadline passed first.
bool drain(int pipe, std::chrono::steady_clock::time_point deadline, std::string& output) {
  std::array<char, 4096> buffer;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{pipe, POLLIN, 0};
    const int polled = ::poll(&ready, 1, static_cast<int>(left.count()));
    if (polled < 0 && errno != EINTR) return false;
    if (polled <= 0) continue;
    const auto count = ::read(pipe, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count < 0 && errno != EINTR) return true;
    if (count > 0 && output.size() < output_bytes_max) {
      output.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
}

}  // namespace

core::Result<Finished> run_command(const Command& command) {
  std::vector<char*> argv;
  auto words = command.argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return core::Error{core::ErrorCode::failed,
                       fmt::format("cannot start {}: {}", words[0], std::strerror(errno)), ""};
  }
  const auto child = ::fork();
  if (child == 0) become(argv.data(), command.run_as, pipe[1]);
  const int fork_error = errno;
  ::close(pipe[1]);
  if (child < 0) {
    ::close(pipe[0]);
    return core::Error{core::ErrorCode::failed,
                       fmt::format("cannot start {}: {}", words[0], std::strerror(fork_error)), ""};
  }

  Finished finished;
  const bool ended =
      drain(pipe[0], std::chrono::steady_clock::now() + command.deadline, finished.output);
  ::close(pipe[0]);
  if (!ended) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return core::Error{core::ErrorCode::timed_out,
                       fmt::format("{} did not end within {} ms", words[0], command.deadline.count()),
                       ""};
  }
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace amdahl::ledger
