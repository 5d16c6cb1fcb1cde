#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "amdahl/core/quantity.hpp"
#include "amdahl/run_files/durable.hpp"
#include "program.hpp"
#include "slurm_commands.hpp"
#include "slurm_environment.hpp"
#include "slurm_jobcomp.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

using namespace std::chrono_literals;

using core::Error;
using core::ErrorCode;
using core::Result;

constexpr std::string_view script_name = "job.sh";
// Of accounting of any size; whoever takes it may be a ledger under load.
constexpr std::chrono::hours accounting_within{1};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class CliTransport final : public Transport {
 public:
  CliTransport(const SlurmOptions& options, core::Clock& clock)
      : within_{options.call_within},
        quiet_{options.quiet_period},
        poll_interval_{options.poll_interval},
        accounting_{options.accounting},
        listen_{options.listen},
        clock_{clock} {}

  std::variant<std::string, Failure> submit_held(const JobRequest& request,
                                                 std::chrono::milliseconds deadline) override {
    const auto script = request.directory / script_name;
    if (auto written = run_files::write_file(script, request.script); !written)
      return Failure{FailureClass::retryable, written.error().message};
    const auto ran = run_program({sbatch_words(request, script), environment_}, deadline, clock_);
    if (ran.end == Ran::End::not_started) return Failure{FailureClass::retryable, ran.error};
    if (ran.end != Ran::End::exited)
      return Failure{FailureClass::unknown_outcome, "sbatch did not answer in time"};
    return read_sbatch(ran.status, ran.output, ran.error);
  }

  Result<Records> live() override {
    return squeue({"--all", "--states=all", fmt::format("--user={}", ::geteuid())});
  }

  Result<Records> live_job(const std::string& id) override {
    auto one = squeue({"--all", "--states=all", "--jobs=" + id});
    // With a single id that the controller does not have, squeue fails.
    if (!one && one.error().message.find("Invalid job id") != std::string::npos) return Records{};
    return one;
  }

  Result<Records> history(std::span<const std::string> names,
                          std::chrono::seconds window) override {
    std::vector<std::string> words{"sacct",
                                   "--duplicates",
                                   "--allocations",
                                   "--noheader",
                                   "--parsable2",
                                   fmt::format("--uid={}", ::geteuid()),
                                   fmt::format("--name={}", fmt::join(names, ",")),
                                   fmt::format("--starttime=now-{}seconds", window.count()),
                                   "--format=" + std::string{sacct_fields}};
    auto text = ask(std::move(words));
    if (!text) return text.error();
    return read_sacct(*text);
  }

  Result<SlurmAccounting::Counts> accounting(const AccountingSpan& span,
                                             const AccountingListener& listener) override;

  Result<void> release(const std::string& id) override {
    return effect(ask({"scontrol", "release", id}));
  }

  Result<void> cancel(const std::string& id) override { return effect(ask({"scancel", id})); }

  Result<std::vector<Node>> nodes(const std::string& partition) override {
    std::vector<std::string> words{"sinfo", "--noheader", "--Node",
                                   "--format=" + std::string{sinfo_format}};
    if (!partition.empty()) words.push_back("--partition=" + partition);
    auto text = ask(std::move(words));
    if (!text) return text.error();
    return read_sinfo(*text);
  }

  std::vector<Finding> examine() override;

 private:
  std::optional<std::int64_t> clock_skew_s(std::string_view config) const;

  Result<Records> squeue(std::vector<std::string> more) {
    std::vector<std::string> words{"squeue", "--noheader",
                                   "--format=" + std::string{squeue_format}};
    words.insert(words.end(), more.begin(), more.end());
    auto text = ask(std::move(words));
    if (!text) return text.error();
    return read_squeue(*text);
  }

  static Result<void> effect(const Result<std::string>& answer) {
    if (!answer) return answer.error();
    return {};
  }

  Result<std::string> ask(std::vector<std::string> words) {
    const auto name = words.front();
    auto ran = run_program({std::move(words), environment_}, within_, clock_);
    if (auto problem = problem_of(ran, name, within_)) return std::move(*problem);
    return std::move(ran.output);
  }

  static std::optional<Error> problem_of(const Ran& ran, const std::string& name,
                                         std::chrono::milliseconds within) {
    switch (ran.end) {
      case Ran::End::not_started:
        return Error{ErrorCode::unreachable, ran.error,
                     "install Slurm's commands here, or set via = \"rest\""};
      case Ran::End::too_late:
        return Error{
            ErrorCode::timed_out,
            fmt::format("{} did not answer within {}", name, core::format_duration(within)),
            "is slurmctld up? scontrol ping"};
      case Ran::End::too_much:
        return core::failed(name + " printed too much", "");
      case Ran::End::unwanted:
        return core::failed(name + " was stopped", "");
      case Ran::End::exited:
        break;
    }
    if (ran.status == 0) return std::nullopt;
    const auto why =
        ran.error.empty() ? fmt::format("status {}", ran.status) : first_line(ran.error);
    return Error{ErrorCode::unreachable, fmt::format("{}: {}", name, why),
                 "is slurmctld up? scontrol ping"};
  }

  std::map<std::string, std::string> environment_ = environment_of_commands();
  std::chrono::milliseconds within_, quiet_;
  std::chrono::milliseconds poll_interval_;
  bool accounting_;
  std::string listen_;
  core::Clock& clock_;
};

Result<SlurmAccounting::Counts> CliTransport::accounting(const AccountingSpan& span,
                                                         const AccountingListener& listener) {
  SlurmAccounting reader{listener.attempt, listener.unreadable};
  const auto now =
      std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  // Told from now: a date would be read in whatever zone sacct is in.
  const auto from_now = [&](std::int64_t at_s) {
    return fmt::format("now{}{}seconds", at_s > now ? '+' : '-', std::abs(at_s - now));
  };
  std::vector<std::string> words{"sacct",
                                 "--allusers",
                                 "--duplicates",
                                 "--parsable2",
                                 "--starttime=" + from_now(span.since_s),
                                 "--endtime=" + from_now(span.until_s),
                                 "--format=" + std::string{sacct_columns}};
  Result<void> read{};
  const auto ran = run_program({std::move(words), environment_}, accounting_within, clock_,
                               [&](std::string_view piece) {
                                 read = reader.feed(piece);
                                 return read.has_value() && listener.go_on();
                               });
  if (!read) return read.error();
  if (auto problem = problem_of(ran, "sacct", accounting_within)) return std::move(*problem);
  if (read = reader.finish(); !read) return read.error();
  return reader.counts();
}

// Printed by scontrol itself, from the controller's answer; nothing where it has another form.
std::optional<std::int64_t> CliTransport::clock_skew_s(std::string_view config) const {
  constexpr std::string_view mark = "Configuration data as of ";
  if (!config.starts_with(mark)) return std::nullopt;
  const auto line = config.substr(mark.size(), config.find('\n') - mark.size());
  const auto there = core::parse_whole(line);
  if (!there) return std::nullopt;
  const auto here =
      std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  return *there - here;
}

std::vector<Finding> CliTransport::examine() {
  using Grade = Finding::Grade;
  std::vector<Finding> found;
  const auto config = ask({"scontrol", "show", "config"});
  if (!config) {
    found.push_back({Grade::failure, "slurmctld does not answer: " + config.error().message,
                     config.error().hint});
    return found;
  }
  const auto value = [&](std::string_view name) {
    return config_value(*config, name).value_or("unknown");
  };
  const auto seconds = [&](std::string_view name) {
    const auto text = value(name);
    return core::parse_whole(text.substr(0, text.find(' ')));
  };
  found.push_back({Grade::fine, "slurmctld answers; Slurm " + value("SLURM_VERSION"), ""});
  // Two looks, of which one may fail; and a minute for a service that was away.
  const auto age_min = std::max<std::chrono::milliseconds>(2 * poll_interval_, 60s);
  if (const auto age = seconds("MinJobAge"); age && std::chrono::seconds{*age} < age_min) {
    found.push_back(
        {Grade::warning,
         fmt::format("MinJobAge is {} s: a job may be forgotten between two looks", *age),
         fmt::format("set MinJobAge={} or more in slurm.conf",
                     std::max(std::int64_t{300},
                              std::chrono::ceil<std::chrono::seconds>(age_min).count()))});
  }
  if (const auto timeout = seconds("MessageTimeout");
      timeout && quiet_ < 3 * std::chrono::seconds{*timeout}) {
    found.push_back(
        {Grade::warning,
         fmt::format(
             "quiet_period is below three MessageTimeouts of {} s: a submit without an answer "
             "may still be on its way when it is sent again",
             *timeout),
         fmt::format("set quiet_period = \"{}s\" or more", 3 * *timeout)});
  }
  if (const auto skew = clock_skew_s(*config); skew && std::abs(*skew) > skew_max_s) {
    found.push_back({Grade::warning, fmt::format("Slurm's clock is {} s from this one", *skew),
                     "is NTP running here and there? times of Slurm decide how long is waited"});
  }
  if (auto finding = jobcomp_finding(*config, listen_)) found.push_back(std::move(*finding));
  const bool stored = value("AccountingStorageType") == "accounting_storage/slurmdbd";
  if (accounting_ && !stored) {
    found.push_back({Grade::failure,
                     "Slurm keeps no accounting, so a lost submit is never surely lost",
                     "set accounting = false for this cluster, or run slurmdbd"});
  } else if (accounting_) {
    const std::vector<std::string> nobody{"al-none"};
    if (const auto answer = history(nobody, std::chrono::seconds{60}); !answer)
      found.push_back({Grade::failure, "no accounting: " + answer.error().message,
                       "is slurmdbd up? sacctmgr show cluster"});
  }
  return found;
}

}  // namespace

std::unique_ptr<Transport> make_cli_transport(const SlurmOptions& options, core::Clock& clock) {
  return std::make_unique<CliTransport>(options, clock);
}

}  // namespace amdahl::scheduler_adapters::slurm
