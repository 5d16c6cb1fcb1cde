#include "start.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/failpoint.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/run_files/names.hpp"
#include "log.hpp"
#include "ready_signal.hpp"
#include "shim.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

namespace names = run_files::names;
using run_files::UniqueFd;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds ready_deadline = 8s;  // below limits::submit_timeout
constexpr int exit_unknown = 1;
constexpr int exit_refused = 65;      // EX_DATAERR
constexpr int exit_not_started = 75;  // EX_TEMPFAIL

// Away from whoever called: own session, standard streams to files, no descriptor but the pipe.
[[noreturn]] void become_shim(const std::filesystem::path& directory, UniqueFd ready) {
  ::setsid();
  ::umask(077);
  const int null = ::open("/dev/null", O_RDONLY);
  const int log =
      ::open((directory / names::log).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  const int kept = ::fcntl(ready.get(), F_DUPFD, 64);  // out of the way of 0…3
  if (null < 0 || log < 0 || kept < 0) ::_exit(exit_not_started);
  ::dup2(null, 0);
  ::dup2(log, 1);
  ::dup2(log, 2);
  ::dup2(kept, 3);
  ::close_range(4, ~0U, 0);
  ::fcntl(3, F_SETFD, FD_CLOEXEC);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  if (::chdir("/") != 0) ::_exit(exit_not_started);
  ::_exit(run_shim(directory, ReadySignal{UniqueFd{3}}));
}

// What the shim told before it closed the pipe; nothing when the deadline passed first.
std::optional<std::string> read_until_end(int pipe, std::chrono::milliseconds deadline) {
  const auto end = monotonic_ns() + std::chrono::nanoseconds{deadline}.count();
  std::string text;
  for (;;) {
    const auto left = (end - monotonic_ns()) / 1'000'000;
    if (left <= 0) return std::nullopt;
    pollfd polled{pipe, POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(left)) <= 0) continue;
    std::array<char, 4096> buffer;
    const auto got = ::read(pipe, buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// The other shim may hold the lock but not have recorded itself yet.
std::string wait_for_other(const std::filesystem::path& directory) {
  for (int i = 0; i < 100; ++i) {
    if (const auto other = run_files::read_process(directory / names::shim))
      return native_id(*other);
    ::poll(nullptr, 0, 10);
  }
  return {};
}

void print_line(const nlohmann::json& value) {
  run_files::write_all(STDOUT_FILENO, core::canonical_json(value) + "\n");
}

}  // namespace

int start_detached(const std::filesystem::path& directory) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return exit_not_started;
  UniqueFd read{ends[0]}, write{ends[1]};
  const auto pid = ::fork();
  if (pid < 0) {
    log_line("cannot fork");
    return exit_not_started;
  }
  if (pid == 0) {
    read.reset();
    become_shim(directory, std::move(write));
  }
  core::failpoint("starter.forked");
  write.reset();
  const auto told = read_until_end(read.get(), ready_deadline);
  if (!told) {
    log_line("the shim did not come up in time");
    return exit_unknown;
  }
  if (told->empty()) {
    log_line("the shim ended at once; see " + (directory / names::log).string());
    return exit_not_started;
  }
  core::failpoint("starter.told");
  const auto word = static_cast<ReadySignal::Word>(told->front());
  const auto text = told->substr(1);
  if (word == ReadySignal::Word::held) {
    print_line({{"native_id", text}, {"held", true}});
    return 0;
  }
  if (word == ReadySignal::Word::already) {
    print_line({{"native_id", wait_for_other(directory)}, {"held", true}, {"already", true}});
    return 0;
  }
  log_line(text);
  return word == ReadySignal::Word::refused ? exit_refused : exit_not_started;
}

}  // namespace amdahl::worker
