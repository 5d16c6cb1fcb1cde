#include "child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/process_identity.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

using run_files::UniqueFd;

struct Pipe {
  UniqueFd read, write;
};

core::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return core::Error{core::ErrorCode::failed,
                       std::string{"cannot make a pipe: "} + std::strerror(errno), ""};
  }
  return Pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

// What the child tells before it becomes the job: the time, then, if exec fails, why.
struct Report {
  std::int64_t exec_ns = 0;
  int error = 0;
  char failed_at = 'x';  ///< 'd' directory, 'x' exec
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// When memory runs out the leg goes first, before this shim, the service and the ledger.
void offer_to_the_kernel() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!::write(file, "500", 3);
  ::close(file);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

struct ChildSetup {
  const char* directory;
  std::vector<char*> command, environment;
  int standard_output, standard_error, report;
  bool fixed_layout;
  pid_t parent;
};

// Between fork and exec: only what the shim's single thread may do.
[[noreturn]] void become_job(const ChildSetup& setup) {
  const auto fail = [&](char at) {
    const Report report{monotonic_ns(), errno, at};
    (void)!::write(setup.report, &report, sizeof report);
    ::_exit(127);
  };
  ::setsid();
  // A leg that nobody measures or counts against the machine's slots must not go on.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != setup.parent) ::_exit(127);
  reset_signals();
  offer_to_the_kernel();
  ::umask(022);
  if (setup.fixed_layout) ::personality(ADDR_NO_RANDOMIZE);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(setup.standard_output, 1) < 0 ||
      ::dup2(setup.standard_error, 2) < 0 || ::chdir(setup.directory) != 0) {
    fail('d');
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // also what this shim inherited
  ::environ = const_cast<char**>(setup.environment.data());
  const Report report{monotonic_ns(), 0, 'x'};
  (void)!::write(setup.report, &report, sizeof report);
  ::execvp(setup.command[0], setup.command.data());
  fail('x');
  ::_exit(127);
}

core::Error start_error(const ChildPlan& plan, const Report& report) {
  const auto what = report.failed_at == 'd' ? "enter " + plan.directory.string()
                                            : "execute `" + plan.command.front() + "`";
  return {core::ErrorCode::failed, "cannot " + what + ": " + std::strerror(report.error),
          "check the job's command and PATH"};
}

}  // namespace

core::Result<Child> start_child(const ChildPlan& plan) {
  if (plan.command.empty()) return core::invalid_input("the leg has no command");
  auto output = make_pipe();
  auto error = make_pipe();
  auto report_pipe = make_pipe();
  if (!output || !error || !report_pipe)
    return core::Error{core::ErrorCode::failed, "cannot make pipes: too many open files", ""};

  auto command = plan.command;
  std::vector<std::string> environment;
  for (const auto& [name, value] : plan.environment) environment.push_back(name + "=" + value);
  const ChildSetup setup{plan.directory.c_str(),
                         pointers(command),
                         pointers(environment),
                         plan.own_streams ? output->write.get() : STDOUT_FILENO,
                         plan.own_streams ? error->write.get() : STDERR_FILENO,
                         report_pipe->write.get(),
                         plan.fixed_layout,
                         ::getpid()};
  Child child;
  child.pid = ::fork();
  if (child.pid < 0) {
    return core::Error{core::ErrorCode::failed, std::string{"cannot fork: "} + std::strerror(errno),
                       ""};
  }
  if (child.pid == 0) become_job(setup);
  report_pipe->write.reset();

  Report last;
  for (Report next; ::read(report_pipe->read.get(), &next, sizeof next) == sizeof next;)
    last = next;
  if (last.error != 0 || last.exec_ns == 0) {
    ::waitpid(child.pid, nullptr, 0);
    return start_error(plan, last);
  }
  child.exec_ns = last.exec_ns;
  child.pidfd = run_files::open_pidfd(child.pid);
  if (!plan.own_streams) return child;
  for (auto* pipe : {&*output, &*error}) ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
  child.standard_output = std::move(output->read);
  child.standard_error = std::move(error->read);
  return child;
}

}  // namespace amdahl::worker
