#include "subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace amdahl::ledger {
namespace {

constexpr std::size_t output_bytes_max = 65'536;
constexpr int exec_failed = 127;

// Between fork and exec: calls that are safe after a fork of a threaded process, and no others.
[[noreturn]] void become(char* const* argv, const std::optional<UserIds>& user, int output) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) {
    ::_exit(exec_failed);
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (user &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->gid) != 0 || ::setuid(user->uid) != 0)) {
    ::_exit(exec_failed);
  }
  ::umask(077);
  if (::chdir("/") != 0) ::_exit(exec_failed);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(argv[0], argv);
  ::_exit(exec_failed);
}

// Closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Becomes readable when the deadline has passed.
int deadline_timer(std::chrono::milliseconds deadline) {
  const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
  itimerspec spec{};
  spec.it_value.tv_sec = deadline.count() / 1000;
  spec.it_value.tv_nsec = deadline.count() % 1000 * 1'000'000;
  if (fd >= 0) ::timerfd_settime(fd, 0, &spec, nullptr);
  return fd;
}

// Reads until the child closes its end; false when the deadline passed first.
bool drain(int pipe, int timer, std::string& output) {
  std::array<char, 4096> buffer;
  while (true) {
    std::array<pollfd, 2> ready{pollfd{pipe, POLLIN, 0}, pollfd{timer, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if (ready[1].revents != 0) return false;
    const auto count = ::read(pipe, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count < 0 && errno != EINTR) return true;
    if (count > 0 && output.size() < output_bytes_max) {
      output.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
}

core::Error cannot_start(const std::string& program, int error) {
  return {core::ErrorCode::failed,
          fmt::format("cannot start {}: {}", program, std::strerror(error)), ""};
}

}  // namespace

core::Result<Finished> run_command(const Command& command) {
  std::vector<char*> argv;
  auto words = command.argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot_start(words[0], errno);
  const Descriptor output{ends[0]};
  Descriptor input{ends[1]};
  const Descriptor timer{deadline_timer(command.deadline)};
  if (timer.get() < 0) return cannot_start(words[0], errno);
  const auto child = ::fork();
  if (child == 0) become(argv.data(), command.run_as, input.get());
  if (child < 0) return cannot_start(words[0], errno);
  input.close();

  Finished finished;
  const bool ended = drain(output.get(), timer.get(), finished.output);
  if (!ended) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return core::Error{
        core::ErrorCode::timed_out,
        fmt::format("{} did not end within {} ms", words[0], command.deadline.count()), ""};
  }
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

void wait_for(std::chrono::milliseconds duration) {
  const Descriptor timer{deadline_timer(duration)};
  std::uint64_t expirations = 0;
  while (timer.get() >= 0 && ::read(timer.get(), &expirations, sizeof expirations) < 0 &&
         errno == EINTR) {
  }
}

}  // namespace amdahl::ledger
