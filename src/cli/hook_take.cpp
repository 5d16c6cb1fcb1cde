#include "hook_take.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "amdahl/http/hook_secret.hpp"
#include "amdahl/run_files/durable.hpp"
#include "hook_event.hpp"
#include "text_file.hpp"

// Started by slurmctld when a job ends, which it must never hold up, whatever happens here.

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto answer_within = 10s;
constexpr auto sender_patience = 60s;
constexpr std::int64_t log_bytes_max = 1 << 20;

// Away from slurmctld: own session, no descriptor of its, what there is to say in the spool's log.
void leave_for_good(const fs::path& folder) {
  ::setsid();
  const auto log = folder / "hook.log";
  const int null = ::open("/dev/null", O_RDWR);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  struct stat status {};
  if (file >= 0 && ::fstat(file, &status) == 0 && status.st_size > log_bytes_max)
    (void)!::ftruncate(file, 0);
  ::dup2(null, 0);
  ::dup2(null, 1);
  ::dup2(file >= 0 ? file : null, 2);
  ::close_range(3, ~0U, 0);
}

[[noreturn]] void send_in_the_background(const HookWords& words, core::Clock& clock) {
  leave_for_good(words.spool);
  const auto say = [](const std::string& line) {
    run_files::write_all(STDERR_FILENO, line + "\n");
  };
  HookSpool spool{words.spool};
  const auto target = hook_target(words);
  if (!target) {
    (void)spool.bound();  // what nobody can send may not fill the disk
    say(target.error().message);
    ::_exit(0);
  }
  const auto report = spool.send(*target, sender_patience, clock);
  if (!report.problem.empty() || report.dropped > 0) say(text_of(report));
  ::_exit(0);
}

}  // namespace

core::Result<HookTarget> hook_target(const HookWords& words) {
  const auto address = http_client::parse_service_address(words.server);
  if (!address) return address.error();
  if (words.secret_file.empty())
    return core::invalid_input("no --secret-file: the service takes signed webhooks only",
                               "one of [cluster.NAME.hooks] secret_files");
  const auto text = read_secret(words.secret_file);
  if (!text) return text.error();
  const auto secret = http::hook_secret(*text);
  if (!secret) return secret.error();
  HookTarget target;
  target.client.address = *address;
  target.client.ca_file = words.ca_file;
  target.client.answer_within = answer_within;
  target.secret = *secret;
  return target;
}

std::string text_of(const SpoolReport& report) {
  auto line = fmt::format("{} sent, {} left", report.sent, report.left);
  if (report.refused > 0) line += fmt::format(", {} refused (see refused/)", report.refused);
  if (report.dropped > 0)
    line += fmt::format(", {} dropped: over {} waited", report.dropped, spool_files_max);
  return report.problem.empty() ? line : line + ": " + report.problem;
}

std::string take_slurm_event(const HookWords& words,
                             const std::map<std::string, std::string>& variables,
                             core::Clock& clock) {
  const auto body = slurm_event(variables, words.cluster, clock.now());
  if (!body)
    return "neither SLURM_JOB_ID nor JOBID is set: slurmctld starts this; by hand, --test sends a "
           "delivery";
  if (const auto put = HookSpool{words.spool}.put(*body); !put) return put.error().message;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};  // the next hook sends it
  const run_files::UniqueFd left{ends[0]};
  run_files::UniqueFd leaving{ends[1]};
  const auto child = ::fork();
  if (child == 0) send_in_the_background(words, clock);
  leaving.reset();
  // slurmctld kills the whole group of its script when the script has ended: the sender must be out
  // of it by then. It closes the pipe when it is.
  char none = 0;
  while (child > 0 && ::read(left.get(), &none, 1) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace amdahl::cli
