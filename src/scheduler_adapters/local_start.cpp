#include "local_start.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/failpoint.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::scheduler_adapters {
namespace {

namespace fs = std::filesystem;
using run_files::UniqueFd;
using Kind = FailureClass;

constexpr std::size_t answer_bytes_max = 16 * 1024;
constexpr int exit_refused = 65;      // what `amdahl-run start` answers: the run's files are wrong
constexpr int exit_not_started = 75;  // and: provably not started

struct Starter {
  pid_t pid = 0;
  UniqueFd answer;  ///< its standard output and error
};

std::string inherited(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return std::string{name} + "=" + (value != nullptr ? value : otherwise);
}

std::variant<Starter, Failure> spawn_starter(const fs::path& shim, const fs::path& directory) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return Failure{Kind::retryable, std::string{"cannot make a pipe: "} + std::strerror(errno)};
  UniqueFd read{ends[0]};
  const UniqueFd write{ends[1]};
  std::string program = shim, verb = "start", argument = directory;
  std::array<char*, 4> arguments{program.data(), verb.data(), argument.data(), nullptr};
  auto path = inherited("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  auto home = inherited("HOME", "/");
  // A test that kills shims names its failpoint in our environment.
  auto failpoint = inherited(core::failpoint_variable, "");
  const bool armed = std::getenv(core::failpoint_variable) != nullptr;
  std::array<char*, 4> environment{path.data(), home.data(), armed ? failpoint.data() : nullptr,
                                   nullptr};

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, write.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, write.get(), 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);  // a terminal's Ctrl-C is not meant for it
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  Starter starter;
  const int error = ::posix_spawn(&starter.pid, program.c_str(), &actions, &attributes,
                                  arguments.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return Failure{Kind::retryable, "cannot start " + program + ": " + std::strerror(error)};
  starter.answer = std::move(read);
  return starter;
}

// All it wrote until it ended; nothing when the deadline passed first.
std::optional<std::string> read_answer(int pipe, core::Clock& clock, core::BootTime end) {
  std::string answer;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock.since_boot());
    if (left.count() <= 0) return std::nullopt;
    pollfd polled{pipe, POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 4096> buffer;
    const auto got = ::read(pipe, buffer.data(), buffer.size());
    if (got == 0) return answer;
    if (got > 0 && answer.size() < answer_bytes_max)
      answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::variant<ShimStarted, Failure> read_started(const std::string& answer) {
  const auto value = core::parse_json(answer, "amdahl-run start");
  if (!value || !value->is_object() || !value->contains("native_id") ||
      !(*value)["native_id"].is_string()) {
    return Failure{Kind::unknown_outcome,
                   "amdahl-run start answered garbage: " + answer.substr(0, 200)};
  }
  const auto already = value->find("already");
  return ShimStarted{(*value)["native_id"].get<std::string>(),
                     already != value->end() && *already == true};
}

}  // namespace

std::variant<ShimStarted, Failure> start_shim(const fs::path& shim, const fs::path& directory,
                                              std::chrono::milliseconds deadline,
                                              core::Clock& clock) {
  const auto end = clock.since_boot() + deadline;
  core::failpoint("local.starter_due");
  auto spawned = spawn_starter(shim, directory);
  if (auto* failure = std::get_if<Failure>(&spawned)) return *failure;
  core::failpoint("local.starter_spawned");
  auto& starter = std::get<Starter>(spawned);
  const auto answer = read_answer(starter.answer.get(), clock, end);
  // The starter only; a shim it may have made has left its group.
  if (!answer) ::kill(-starter.pid, SIGKILL);
  int status = 0;
  while (::waitpid(starter.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!answer) return Failure{Kind::unknown_outcome, "amdahl-run start did not answer in time"};
  core::failpoint("local.shim_answered");
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 0) return read_started(*answer);
  const auto text = answer->empty() ? "amdahl-run start failed" : *answer;
  if (code == exit_refused) return Failure{Kind::permanent, text};
  // 126, 127: the program itself could not be executed.
  if (code == exit_not_started || code == 126 || code == 127) return Failure{Kind::retryable, text};
  return Failure{Kind::unknown_outcome, text};
}

}  // namespace amdahl::scheduler_adapters
