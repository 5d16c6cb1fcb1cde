#include "task.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "amdahl/core/quantity.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "child.hpp"
#include "environment.hpp"
#include "interrupts.hpp"
#include "log.hpp"
#include "machine.hpp"
#include "output.hpp"
#include "supervise.hpp"
#include "task_record.hpp"

namespace amdahl::worker {
namespace {

namespace fs = std::filesystem;

constexpr int exit_not_run = 127;

// What a distributed program asks: who it is and where the others are. The rest of srun's
// environment is left out, as everywhere.
bool is_of_the_step(std::string_view name) {
  if (name == "SLURM_JWT") return false;
  return name.starts_with("SLURM_") || name.starts_with("SLURMD_") || name.starts_with("PMI_") ||
         name.starts_with("PMI2_") || name.starts_with("PMIX_");
}

std::map<std::string, std::string> task_environment(const core::RunSpec& spec,
                                                    const core::LegSpec& leg,
                                                    const LegFolder& folder, std::int64_t rank) {
  auto gpu_ids = allocated_gpus();
  const auto gpus = static_cast<std::size_t>(leg.gpus / leg.nodes);
  if (gpu_ids.size() > gpus) gpu_ids.resize(gpus);
  auto environment = leg_environment(spec, leg, folder, inherited_environment(), gpu_ids);
  // One file is one writer's: others would tear its lines, and count the same work again.
  if (rank != 0) environment.erase("AMDAHL_EVENTS");
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || !is_of_the_step(text.substr(0, equals))) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

void record(const LegFolder& folder, std::int64_t rank, const TaskRecord& told) {
  if (const auto written = write_task_record(folder.tasks, rank, told); !written)
    log_line(written.error().message);
}

void set_ending(const Ending& ending, bool memory_ran_out, TaskRecord& told) {
  told.ended = true;
  told.stopped = ending.cancelled;
  if (WIFEXITED(ending.status)) told.exit_code = WEXITSTATUS(ending.status);
  if (WIFSIGNALED(ending.status)) told.signal = WTERMSIG(ending.status);
  told.out_of_memory = told.signal == SIGKILL && !ending.cancelled && memory_ran_out;
  told.peak_memory_bytes = ending.peak_memory_bytes;
}

}  // namespace

int run_task(const fs::path& directory, std::size_t index) {
  const auto refuse = [](const std::string& why) {
    log_line(why);
    return exit_not_run;
  };
  const auto spec = run_files::read_spec(directory);
  if (!spec) return refuse(spec.error().message);
  const auto* rank_text = std::getenv("SLURM_PROCID");
  const auto rank = core::parse_whole(rank_text != nullptr ? rank_text : "");
  if (!rank || index >= spec->legs.size()) return refuse("srun starts this, for a leg of the run");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto interrupts = Interrupts::watch(directory);
  if (!interrupts) return refuse(interrupts.error().message);
  const auto& leg = spec->legs[index];
  auto folder = LegFolder::in(directory, index);
  // Of its own: programs make the same names there on every node.
  folder.temporary /= std::to_string(*rank);
  std::error_code error;
  fs::create_directories(folder.temporary, error);
  if (error)
    return refuse(run_files::system_error("create", folder.temporary, error.value()).message);

  TaskRecord told;
  const auto* step = std::getenv("SLURM_STEP_ID");
  told.step = step != nullptr ? step : "";
  record(folder, *rank, told);
  ChildPlan plan{leg.command, task_environment(*spec, leg, folder, *rank), folder.code,
                 spec->fresh_layout};
  plan.own_streams = false;
  const auto kills_before = out_of_memory_kills();
  auto child = start_child(plan);
  if (!child) {
    told.ended = true;
    told.problem = child.error().message;
    record(folder, *rank, told);
    return refuse(told.problem);
  }
  BoundedOutput nothing;  // srun carries what it writes
  const auto ending = supervise(*child, nothing, nothing, std::chrono::milliseconds{0}, *interrupts,
                                signals_to(*child));
  set_ending(ending, out_of_memory_kills() > kills_before, told);
  record(folder, *rank, told);
  return told.signal ? killed_status + *told.signal : told.exit_code.value_or(exit_not_run);
}

}  // namespace amdahl::worker
