#include "leg.hpp"

#include <sys/wait.h>

#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/names.hpp"
#include "amdahl/run_files/process_identity.hpp"
#include "child.hpp"
#include "code_copy.hpp"
#include "environment.hpp"
#include "log.hpp"
#include "measure.hpp"
#include "output.hpp"
#include "supervise.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

namespace fs = std::filesystem;
namespace names = run_files::names;

MachineEnvironment inherited_environment() {
  const auto read = [](const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return std::string{value != nullptr ? value : otherwise};
  };
  return {read("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
          read("HOME", "/")};
}

// How many processes the kernel has killed for want of memory since boot, in this system's view.
std::int64_t out_of_memory_kills() {
  const auto text = run_files::read_file("/proc/vmstat", 64 * 1024);
  if (!text) return 0;
  constexpr std::string_view field = "\noom_kill ";
  const auto found = text->find(field);
  std::int64_t kills = 0;
  if (found != std::string::npos) {
    std::from_chars(text->data() + found + field.size(), text->data() + text->size(), kills);
  }
  return kills;
}

void record_process(const fs::path& directory, const Child& child) {
  const auto process = run_files::identify(child.pid);
  if (!process) return;  // it has ended already
  const auto text = core::canonical_json(run_files::to_json(*process));
  if (auto written = run_files::write_file_volatile(directory / names::leg, text); !written) {
    log_line(written.error().message);
  }
}

void set_ending(const Ending& ending, bool memory_ran_out, core::LegResult& result) {
  if (WIFEXITED(ending.status)) result.exit_code = WEXITSTATUS(ending.status);
  if (WIFSIGNALED(ending.status)) result.signal = WTERMSIG(ending.status);
  result.timed_out = ending.timed_out;
  const bool killed_by_others = result.signal == SIGKILL && !ending.timed_out && !ending.cancelled;
  result.out_of_memory = killed_by_others && memory_ran_out;
  result.peak_memory_bytes = ending.peak_memory_bytes;
}

}  // namespace

core::Result<void> prepare_leg(const core::RunSpec& spec, std::size_t index,
                               const fs::path& directory) {
  const auto folder = LegFolder::in(directory, index);
  std::error_code error;
  fs::create_directories(folder.temporary, error);
  if (error) return run_files::system_error("create", folder.temporary, error.value());
  if (spec.code_dir.empty()) {
    fs::create_directories(folder.code, error);
    if (error) return run_files::system_error("create", folder.code, error.value());
  } else if (auto copied = copy_code(spec.code_dir, folder.code); !copied) {
    return copied.error();
  }
  return patch_code(folder.code, spec.legs[index].patches);
}

core::LegResult run_leg(const core::RunSpec& spec, std::size_t index, const fs::path& directory,
                        const std::vector<std::string>& gpu_ids, Interrupts& interrupts) {
  const auto& leg = spec.legs[index];
  const auto folder = LegFolder::in(directory, index);
  core::LegResult result;
  result.arm = leg.arm;
  result.gpus = leg.gpus;

  BoundedOutput output{folder.standard_output, core::limits::leg_output_bytes};
  BoundedOutput error{folder.standard_error, core::limits::leg_output_bytes};
  ChildPlan plan{leg.command, {}, folder.code, spec.fresh_layout};
  plan.environment = leg_environment(spec, leg, folder, inherited_environment(), gpu_ids);
  const auto kills_before = out_of_memory_kills();
  LegTimes times;
  times.start_us = wall_us();
  auto child = start_child(plan);
  if (!child) {
    result.problem = child.error().message;
    return result;
  }
  result.started = true;
  result.start_us = times.start_us;
  core::failpoint("shim.leg_started");
  record_process(directory, *child);
  core::failpoint("shim.leg_recorded");
  const auto ending = supervise(*child, output, error, spec.leg_time_limit, interrupts);
  output.finish();
  error.finish();

  times.exec_ns = child->exec_ns;
  times.exit_ns = ending.exit_ns;
  result.window_us = (times.exit_ns - times.exec_ns) / 1000;
  set_ending(ending, out_of_memory_kills() > kills_before, result);
  result.error_tail = error.tail();
  measure(spec, folder, times, result);
  if (ending.cancelled) result.problem = "stopped on request";
  std::error_code ignored;  // what stays is removed with the run
  fs::remove_all(folder.temporary, ignored);
  return result;
}

}  // namespace amdahl::worker
