#include "amdahl/run_files/process_identity.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace amdahl::run_files;

namespace {

// A child that waits to be killed.
struct Sleeper {
  pid_t pid = ::fork();
  Sleeper() {
    if (pid == 0) {
      ::setsid();
      ::execlp("env", "env", "-i", "AMDAHL_RUN_KEY=al-sleeper-1", "/bin/sleep", "600", nullptr);
      ::_exit(127);
    }
  }
  ~Sleeper() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

}  // namespace

TEST_CASE("a process has one identity for life", "[run_files][identity]") {
  const auto self = identify_self();
  CHECK(self.pid == ::getpid());
  CHECK(self.start_ticks > 0);
  CHECK(self.boot_id.size() == 8);
  CHECK(identify(::getpid()) == self);
  CHECK(native_id(self) ==
        std::to_string(self.pid) + "-" + std::to_string(self.start_ticks) + "-" + self.boot_id);
}

TEST_CASE("an identity survives the way through JSON", "[run_files][identity]") {
  const auto self = identify_self();
  CHECK(process_identity_from_json(to_json(self)).value() == self);
  CHECK(process_identity_from_json(nlohmann::json::array()).has_error());
  CHECK(
      process_identity_from_json({{"pid", "1"}, {"start_ticks", 1}, {"boot_id", "x"}}).has_error());
  CHECK(process_identity_from_json({{"pid", 1}, {"start_ticks", 1}}).has_error());
}

TEST_CASE("a signal reaches exactly the process meant", "[run_files][identity]") {
  Sleeper sleeper;
  auto process = identify(sleeper.pid);
  REQUIRE(process);
  auto earlier = *process;
  earlier.start_ticks -= 1;  // the same pid, another process
  CHECK_FALSE(signal_process(earlier, SIGKILL));
  auto before_boot = *process;
  before_boot.boot_id = "00000000";
  CHECK_FALSE(signal_process(before_boot, SIGKILL));
  CHECK(identify(sleeper.pid) == process);
  CHECK(signal_process(*process, SIGKILL));
  int status = 0;
  REQUIRE(::waitpid(sleeper.pid, &status, 0) == sleeper.pid);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK_FALSE(signal_process(*process, SIGKILL));
}

TEST_CASE("a zombie has ended", "[run_files][identity]") {
  const auto child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(identify(child));
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("the processes of a run are found by key and by session", "[run_files][identity]") {
  Sleeper sleeper;
  const auto found_by = [&](const std::string& key, pid_t session) {
    for (const auto& process : processes_of_run(key, session)) {
      if (process.pid == sleeper.pid) return true;
    }
    return false;
  };
  // The environment shows the key only after exec.
  bool by_key = false;
  for (int i = 0; i < 2000 && !by_key; ++i) {
    by_key = found_by("al-sleeper-1", 0);
    if (!by_key) ::sched_yield();
  }
  CHECK(by_key);
  CHECK(found_by("al-other-1", sleeper.pid));
  CHECK_FALSE(found_by("al-other-1", 0));
  CHECK_FALSE(found_by("al-sleeper-", 0));  // the whole key counts
}
