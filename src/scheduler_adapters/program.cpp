#include "program.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::scheduler_adapters {
namespace {

using run_files::UniqueFd;

constexpr std::size_t output_bytes_max = 64u << 20;  // the listing of a large cluster
constexpr std::size_t error_bytes_max = 64u << 10;

struct Pipe {
  UniqueFd read, write;
  static Pipe make() {
    std::array<int, 2> ends{-1, -1};
    (void)!::pipe2(ends.data(), O_CLOEXEC);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Everything that allocates is done before the fork: other threads may hold the allocator's lock.
struct Prepared {
  std::vector<std::string> words, environment;
  std::vector<char*> argv, envp;
  int output = -1, error = -1, report = -1;
  pid_t parent = 0;
};

[[noreturn]] void become(const Prepared& prepared) {
  ::setpgid(0, 0);
  // posix_spawn cannot ask for this: a sbatch that outlives us may submit when nobody waits for it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(127);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(prepared.output, 1) < 0 ||
      ::dup2(prepared.error, 2) < 0)
    ::_exit(127);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::environ = const_cast<char**>(prepared.envp.data());
  ::execvp(prepared.argv[0], prepared.argv.data());
  const int why = errno;
  (void)!::write(prepared.report, &why, sizeof why);
  ::_exit(127);
}

// False at the end of the pipe, or when the bound is passed.
bool take(UniqueFd& pipe, std::string& text, std::size_t bytes_max, bool& over) {
  std::array<char, 65536> buffer;
  const auto got = ::read(pipe.get(), buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  const auto size = static_cast<std::size_t>(got);
  over = over || text.size() + size > bytes_max;
  if (text.size() < bytes_max) text.append(buffer.data(), std::min(size, bytes_max - text.size()));
  return true;
}

// Until both pipes are closed. What went wrong on the way, else `exited`.
Ran::End listen(UniqueFd& output, UniqueFd& error, core::Clock& clock, core::BootTime end, Ran& ran,
                const OutputListener& listener) {
  while (output || error) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock.since_boot());
    if (left.count() <= 0) return Ran::End::too_late;
    std::array<pollfd, 2> polled{{{output.get(), POLLIN, 0}, {error.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), static_cast<int>(left.count())) <= 0) continue;
    bool over = false, ignored = false;
    if (polled[0].revents != 0 && !take(output, ran.output, output_bytes_max, over)) output.reset();
    if (polled[1].revents != 0 && !take(error, ran.error, error_bytes_max, ignored)) error.reset();
    if (over) return Ran::End::too_much;
    if (listener && !ran.output.empty()) {
      if (!listener(ran.output)) return Ran::End::unwanted;
      ran.output.clear();
    }
  }
  return Ran::End::exited;
}

void kill_all_of(pid_t child) {
  ::kill(-child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// It may close its output and stay.
bool has_ended(pid_t child, int& status, core::Clock& clock, core::BootTime end) {
  for (;;) {
    const auto ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) return true;
    if (clock.since_boot() >= end) return false;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace

Ran run_program(const Program& program, std::chrono::milliseconds deadline, core::Clock& clock) {
  return run_program(program, deadline, clock, {});
}

Ran run_program(const Program& program, std::chrono::milliseconds deadline, core::Clock& clock,
                const OutputListener& listener) {
  const auto end = clock.since_boot() + deadline;
  Ran ran;
  auto output = Pipe::make(), error = Pipe::make(), report = Pipe::make();
  if (!output.read || !error.read || !report.read) {
    ran.error = std::string{"cannot make pipes: "} + std::strerror(errno);
    return ran;
  }
  Prepared prepared;
  prepared.words = program.words;
  for (const auto& [name, value] : program.environment)
    prepared.environment.push_back(name + "=" + value);
  prepared.argv = pointers(prepared.words);
  prepared.envp = pointers(prepared.environment);
  prepared.output = output.write.get();
  prepared.error = error.write.get();
  prepared.report = report.write.get();
  prepared.parent = ::getpid();
  const auto child = ::fork();
  if (child == 0) become(prepared);
  if (child < 0) {
    ran.error = std::string{"cannot fork: "} + std::strerror(errno);
    return ran;
  }
  ::setpgid(child, child);
  for (auto* pipe : {&output, &error, &report}) pipe->write.reset();
  try {
    ran.end = listen(output.read, error.read, clock, end, ran, listener);
  } catch (...) {
    kill_all_of(child);
    throw;
  }
  int status = 0;
  if (ran.end == Ran::End::exited && !has_ended(child, status, clock, end))
    ran.end = Ran::End::too_late;
  if (ran.end != Ran::End::exited) {
    kill_all_of(child);
    return ran;
  }
  int why = 0;
  if (::read(report.read.get(), &why, sizeof why) == sizeof why) {
    ran.end = Ran::End::not_started;
    ran.error = "cannot execute " + program.words.front() + ": " + std::strerror(why);
    return ran;
  }
  constexpr int killed = 128;
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : killed + WTERMSIG(status);
  return ran;
}

}  // namespace amdahl::scheduler_adapters
