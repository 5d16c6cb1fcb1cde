#include "leg.hpp"

#include <sys/wait.h>

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
#include "machine.hpp"
#include "measure.hpp"
#include "output.hpp"
#include "step.hpp"
#include "supervise.hpp"
#include "task_record.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

namespace fs = std::filesystem;
namespace names = run_files::names;

constexpr std::chrono::milliseconds look_every{200};

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

// A node that fails takes its task along without a word; of the job's end Slurm tells a little
// later.
void wait_for_word(Interrupts& interrupts) {
  const auto end = monotonic_ns() + std::chrono::nanoseconds{core::limits::kill_grace}.count();
  while (!interrupts.cancelled(true) && monotonic_ns() < end) interrupts.wait(look_every);
}

// Why the run as a whole failed, where Slurm would not start the step.
std::string set_ending_of_step(const Ending& ending, const LegFolder& folder, std::int64_t nodes,
                               Interrupts& interrupts, core::LegResult& result) {
  if (WIFSIGNALED(ending.status)) end_step(folder.tasks, nodes);
  const auto records = read_task_records(folder.tasks, nodes);
  const bool by_us = ending.timed_out || ending.cancelled;
  result.timed_out = ending.timed_out;
  const bool told = set_ending_of_tasks(records, nodes, ending.status, result);
  if (by_us) return {};
  if (records.empty()) {
    return "no task of the " + std::string{core::name(result.arm)} +
           " came to run: " + result.error_tail;
  }
  if (!told && ending.status != 0) wait_for_word(interrupts);
  return {};
}

core::Result<ChildPlan> plan_of(const core::RunSpec& spec, std::size_t index,
                                const fs::path& directory,
                                const std::vector<std::string>& gpu_ids) {
  if (runs_as_step(spec)) return step_plan(spec, index, directory);
  const auto& leg = spec.legs[index];
  const auto folder = LegFolder::in(directory, index);
  return ChildPlan{leg.command,
                   leg_environment(spec, leg, folder, inherited_environment(), gpu_ids),
                   folder.code, spec.fresh_layout};
}

}  // namespace

core::Result<void> prepare_leg(const core::RunSpec& spec, std::size_t index,
                               const fs::path& directory) {
  const auto folder = LegFolder::in(directory, index);
  std::error_code error;
  fs::create_directories(folder.temporary, error);
  if (error) return run_files::system_error("create", folder.temporary, error.value());
  if (runs_as_step(spec)) {
    fs::create_directories(folder.tasks, error);
    if (error) return run_files::system_error("create", folder.tasks, error.value());
  }
  if (spec.code_dir.empty()) {
    fs::create_directories(folder.code, error);
    if (error) return run_files::system_error("create", folder.code, error.value());
  } else if (auto copied = copy_code(spec.code_dir, folder.code); !copied) {
    return copied.error();
  }
  return patch_code(folder.code, spec.legs[index].patches);
}

LegRun run_leg(const core::RunSpec& spec, std::size_t index, const fs::path& directory,
               const std::vector<std::string>& gpu_ids, Interrupts& interrupts) {
  const auto& leg = spec.legs[index];
  const auto folder = LegFolder::in(directory, index);
  LegRun run;
  auto& result = run.result;
  result.arm = leg.arm;
  result.gpus = leg.gpus;
  const bool step = runs_as_step(spec);

  BoundedOutput output{folder.standard_output, core::limits::leg_output_bytes};
  BoundedOutput error{folder.standard_error, core::limits::leg_output_bytes};
  const auto plan = plan_of(spec, index, directory, gpu_ids);
  if (!plan) {
    run.failure = plan.error().message;
    return run;
  }
  const auto kills_before = out_of_memory_kills();
  LegTimes times;
  times.start_us = wall_us();
  auto child = start_child(*plan);
  if (!child) {
    // Of a step this is srun, which is no arm's.
    (step ? run.failure : result.problem) = child.error().message;
    return run;
  }
  result.started = !step;
  result.start_us = times.start_us;
  core::failpoint("shim.leg_started");
  record_process(directory, *child);
  core::failpoint("shim.leg_recorded");
  const auto ending =
      supervise(*child, output, error, spec.leg_time_limit, interrupts,
                step ? stop_step(*child, folder.tasks, leg.nodes) : signals_to(*child));
  output.finish();
  error.finish();

  times.exec_ns = child->exec_ns;
  times.exit_ns = ending.exit_ns;
  result.window_us = (times.exit_ns - times.exec_ns) / 1000;
  result.error_tail = error.tail();
  if (step) {
    run.failure = set_ending_of_step(ending, folder, leg.nodes, interrupts, result);
  } else {
    set_ending(ending, out_of_memory_kills() > kills_before, result);
  }
  if (result.started) measure(spec, folder, times, result);
  if (ending.cancelled) result.problem = "stopped on request";
  std::error_code ignored;  // what stays is removed with the run
  fs::remove_all(folder.temporary, ignored);
  return run;
}

}  // namespace amdahl::worker
