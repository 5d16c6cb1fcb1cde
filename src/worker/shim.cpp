#include "shim.hpp"

#include <sys/prctl.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/run_files/life_lock.hpp"
#include "amdahl/run_files/names.hpp"
#include "interrupts.hpp"
#include "leg.hpp"
#include "log.hpp"
#include "machine.hpp"
#include "result_file.hpp"
#include "result_post.hpp"
#include "slots.hpp"
#include "step.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::Error;
using core::Result;
using run_files::Allocation;
using run_files::LocalSettings;
using run_files::PostSettings;
using namespace std::chrono_literals;

constexpr int exit_failed = 1;
constexpr int exit_duplicate = 3;
// Hundreds of held shims must not cost the running legs anything, where the kernel tells of files.
constexpr auto gate_poll = 2000ms, gate_poll_untold = 200ms;
// A slot's file is closed a moment before its lock goes, so a new look follows soon, then rarely.
constexpr auto slots_poll_first = 2ms;
constexpr auto slots_poll_last = 1000ms, slots_poll_last_untold = 100ms;
constexpr int result_tries = 10;
constexpr auto result_retry = 500ms;
constexpr std::int64_t mib = 1 << 20;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

enum class Gate { open, cancelled, orphaned };

class Shim {
 public:
  struct Settings {
    std::optional<LocalSettings> local;
    std::optional<PostSettings> post;
  };

  Shim(fs::path directory, core::RunSpec spec, Settings settings, Interrupts interrupts)
      : directory_{std::move(directory)},
        spec_{std::move(spec)},
        settings_{std::move(settings.local)},
        post_{std::move(settings.post)},
        interrupts_{std::move(interrupts)} {
    result_.key = spec_.key;
    result_.spec_sha = core::spec_sha(spec_);
    result_.witness = spec_.witness;
    result_.node = run_files::host_name();
    const char* nodes = std::getenv("SLURM_JOB_NODELIST");
    if (nodes != nullptr && runs_as_step(spec_)) result_.node = nodes;
  }

  int run();

 private:
  Gate wait_for_gate();
  Result<std::optional<Allocation>> wait_for_slots();
  Result<bool> claim();
  void run_legs();
  int finish();
  int hand_in(const std::string& result);
  int give_up(const Error& error);

  fs::path directory_;
  core::RunSpec spec_;
  std::optional<LocalSettings> settings_;
  std::optional<PostSettings> post_;
  Interrupts interrupts_;
  std::optional<ResultFile> result_file_;
  std::optional<Slots> slots_;  ///< held until the result is written
  core::RunResult result_;
};

Gate Shim::wait_for_gate() {
  const auto orphaned =
      monotonic_ns() + std::chrono::nanoseconds{core::limits::held_shim_timeout}.count();
  for (;;) {
    if (interrupts_.cancelled(false)) return Gate::cancelled;
    if (!settings_ || interrupts_.released()) return Gate::open;
    const bool folder_gone = !is_there(directory_ / names::spec);
    if (folder_gone || monotonic_ns() > orphaned) return Gate::orphaned;
    interrupts_.wait(interrupts_.tells() ? gate_poll : gate_poll_untold);
  }
}

// Nothing: cancelled while waiting.
Result<std::optional<Allocation>> Shim::wait_for_slots() {
  using Granted = std::optional<Allocation>;
  if (!settings_) return Granted{Allocation{allocated_gpus(), wall_us()}};
  const SlotCount total{settings_->gpus, settings_->cpus, settings_->memory_bytes / mib};
  const SlotCount wanted{spec_.allocation.gpus, spec_.allocation.cpus,
                         (spec_.allocation.memory_bytes + mib - 1) / mib};
  if (wanted.gpus > total.gpus || wanted.cpus > total.cpus ||
      wanted.memory_mib > total.memory_mib) {
    return core::invalid_input("this machine has fewer slots than the run asks for",
                               "lower the job's resources or raise the cluster's");
  }
  auto slots = Slots::open(settings_->slots_dir, total);
  if (!slots) return slots.error();
  slots_ = std::move(*slots);
  interrupts_.wake_on_close(settings_->slots_dir);
  const auto last = interrupts_.tells() ? slots_poll_last : slots_poll_last_untold;
  for (auto pause = slots_poll_first;;) {
    auto taken = slots_->try_take(wanted);
    if (!taken) return taken.error();
    if (taken->has_value()) {
      interrupts_.wake_on_close({});  // nothing but its own leg may wake a measuring shim
      Allocation allocation{{}, wall_us()};
      for (const auto id : **taken) allocation.gpu_ids.push_back(std::to_string(id));
      return Granted{std::move(allocation)};
    }
    pause = interrupts_.wait(pause) ? slots_poll_first : std::min(2 * pause, last);
    if (interrupts_.cancelled(false)) return Granted{};
  }
}

// The fence: whatever was submitted twice is executed once.
Result<bool> Shim::claim() {
  auto self = run_files::to_json(run_files::identify_self());
  self["host"] = run_files::host_name();
  // Which of several submissions this is, where a scheduler started it.
  if (const char* job = std::getenv("SLURM_JOB_ID")) self["job_id"] = job;
  self["term"] = spec_.witness.term;
  self["fence"] = spec_.witness.fence;
  self["head_seq"] = spec_.witness.head_seq;
  self["head_hash"] = spec_.witness.head_hash;
  return run_files::create_exclusively(directory_ / names::claim, core::canonical_json(self));
}

void Shim::run_legs() {
  std::vector<Result<void>> prepared;
  for (std::size_t i = 0; i < spec_.legs.size(); ++i) {
    prepared.push_back(prepare_leg(spec_, i, directory_));
  }
  core::failpoint("shim.legs_prepared");
  for (std::size_t i = 0; i < spec_.legs.size() && !result_.cancelled; ++i) {
    const auto& leg = spec_.legs[i];
    if (!prepared[i]) {
      core::LegResult refused;
      refused.arm = leg.arm;
      refused.gpus = leg.gpus;
      refused.problem = prepared[i].error().message;
      result_.legs.push_back(std::move(refused));
      continue;
    }
    const auto count = std::min(static_cast<std::size_t>(leg.gpus), result_.gpu_ids.size());
    const std::vector<std::string> gpu_ids{
        result_.gpu_ids.begin(), result_.gpu_ids.begin() + static_cast<std::ptrdiff_t>(count)};
    auto ran = run_leg(spec_, i, directory_, gpu_ids, interrupts_);
    result_.legs.push_back(std::move(ran.result));
    core::failpoint("shim.leg_ended");
    interrupts_.notice();
    result_.cancelled = interrupts_.cancelled(true);
    result_.problem = std::move(ran.failure);
    if (!result_.problem.empty()) return;
  }
}

int Shim::finish() {
  result_.end_us = wall_us();
  const auto text = core::canonical_json(core::to_json(result_));
  for (int tries = 0; tries < result_tries; ++tries) {
    const auto written = result_file_->commit(text);
    if (written) {
      core::failpoint("shim.ended");
      return post_ ? hand_in(text) : 0;
    }
    log_line(written.error().message);
    interrupts_.wait(result_retry);
  }
  return exit_failed;  // no result, no success: whoever looks finds the claim and a free lock
}

// The machine is for others meanwhile.
int Shim::hand_in(const std::string& result) {
  slots_.reset();
  if (!post_result(*post_, spec_.key, result)) return exit_failed;
  core::failpoint("shim.result_posted");
  return 0;
}

int Shim::give_up(const Error& error) {
  log_line(error.message);
  (void)run_files::write_file(directory_ / names::failure, error.message);
  return exit_failed;
}

int Shim::run() {
  auto reserved = ResultFile::reserve(directory_ / names::result);
  if (!reserved) return give_up(reserved.error());
  result_file_ = std::move(*reserved);
  const auto gate = wait_for_gate();
  if (gate == Gate::orphaned) {
    return give_up(
        {core::ErrorCode::timed_out, "nobody released this run; is the service down?", ""});
  }
  std::optional<Allocation> allocation;
  if (gate == Gate::open) {
    auto granted = wait_for_slots();
    if (!granted) return give_up(granted.error());
    allocation = std::move(*granted);
  }
  result_.cancelled = !allocation || interrupts_.cancelled(false);
  if (result_.cancelled) return finish();
  result_.gpu_ids = allocation->gpu_ids;
  result_.start_us = allocation->start_us;
  core::failpoint("shim.slots_taken");
  const auto claimed = claim();
  if (!claimed) return give_up(claimed.error());
  if (!*claimed) {
    (void)run_files::create_exclusively(directory_ / names::duplicate, "");
    return exit_duplicate;
  }
  core::failpoint("shim.claimed");
  const auto text = core::canonical_json(run_files::to_json(*allocation));
  if (auto written = run_files::write_file_volatile(directory_ / names::allocation, text);
      !written) {
    log_line(written.error().message);
  }
  run_legs();
  return finish();
}

}  // namespace

int run_shim(const fs::path& directory, ReadySignal ready) {
  const auto refuse = [&](const Error& error, bool for_good) {
    log_line(error.message);
    ready.tell(for_good ? ReadySignal::Word::refused : ReadySignal::Word::failed, error.message);
    return exit_failed;
  };
  auto spec = run_files::read_spec(directory);
  if (!spec) return refuse(spec.error(), spec.error().code == core::ErrorCode::invalid_input);
  auto settings = run_files::read_local_settings(directory);
  if (!settings) return refuse(settings.error(), true);
  auto post = run_files::read_post_settings(directory);
  if (!post) return refuse(post.error(), true);
  auto lock = run_files::LifeLock::try_take(directory / names::lock);
  if (!lock) return refuse(lock.error(), false);
  if (!*lock || is_there(directory / names::claim) || is_there(directory / names::result)) {
    ready.tell(ReadySignal::Word::already, "");
    return exit_duplicate;
  }
  core::failpoint("shim.locked");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto interrupts = Interrupts::watch(directory);
  if (!interrupts) return refuse(interrupts.error(), false);
  const auto self = run_files::identify_self();
  const auto recorded = run_files::write_file(directory / names::shim,
                                              core::canonical_json(run_files::to_json(self)));
  if (!recorded) return refuse(recorded.error(), false);
  core::failpoint("shim.recorded");
  ready.tell(ReadySignal::Word::held, run_files::native_id(self));
  return Shim{
      directory, std::move(*spec), {std::move(*settings), std::move(*post)}, std::move(*interrupts)}
      .run();
}

}  // namespace amdahl::worker
