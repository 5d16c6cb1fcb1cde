#include "step.hpp"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "amdahl/core/limits.hpp"
#include "log.hpp"
#include "task_record.hpp"

namespace amdahl::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds scancel_within{5000};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Of the batch step's variables most are options of srun as well: it gets those that it needs.
std::map<std::string, std::string> environment_of_slurm() {
  std::map<std::string, std::string> environment;
  for (const auto* name : {"PATH", "HOME", "SLURM_CONF", "LD_LIBRARY_PATH"}) {
    if (auto value = variable(name); !value.empty()) environment[name] = std::move(value);
  }
  return environment;
}

core::Result<Child> start_scancel(const std::string& signal, const std::filesystem::path& tasks,
                                  std::int64_t count) {
  auto target = variable("SLURM_JOB_ID");
  // Of one step: a signal that comes late must not meet the next leg.
  for (const auto& record : read_task_records(tasks, count)) {
    if (record.step.empty()) continue;
    target += "." + record.step;
    break;
  }
  return start_child({{"scancel", "--signal=" + signal, target}, environment_of_slurm(), "/"});
}

}  // namespace

std::vector<std::string> srun_words(const core::RunSpec& spec, std::size_t index,
                                    const std::filesystem::path& directory, const std::string& job,
                                    const std::string& shim) {
  const auto& leg = spec.legs[index];
  const auto nodes = std::to_string(leg.nodes);
  const auto gpus = leg.gpus / leg.nodes;
  const auto cpus = std::max<std::int64_t>(1, core::on_each_node(spec.allocation).cpus);
  return {"srun",
          "--jobid=" + job,
          "--nodes=" + nodes,
          "--ntasks=" + nodes,
          "--ntasks-per-node=1",
          "--relative=0",  // from the first node on
          "--cpus-per-task=" + std::to_string(cpus),
          gpus > 0 ? "--gres=gpu:" + std::to_string(gpus) : "--gres=none",
          "--overlap",  // waits for nobody: Slurm may not have put away the leg before
          "--kill-on-bad-exit=1",
          "--wait=0",
          "--input=none",
          "--quiet",
          shim,
          "task",
          directory.string(),
          std::to_string(index)};
}

core::Result<ChildPlan> step_plan(const core::RunSpec& spec, std::size_t index,
                                  const std::filesystem::path& directory) {
  const auto job = variable("SLURM_JOB_ID");
  if (job.empty()) {
    return core::invalid_input("a run on several nodes needs a Slurm job around it",
                               "amdahl-run job DIR, as its batch script");
  }
  // As it was called: that path is the one which all nodes have.
  return ChildPlan{srun_words(spec, index, directory, job, ::program_invocation_name),
                   environment_of_slurm(), LegFolder::in(directory, index).code};
}

std::vector<StopWord> stop_step(const Child& srun, const std::filesystem::path& tasks,
                                std::int64_t count) {
  const auto grace = core::limits::kill_grace;
  const auto ask = [tasks, count] {
    // Not waited for: what was asked is seen when the step ends.
    if (const auto asked = start_scancel("TERM", tasks, count); !asked)
      log_line(asked.error().message);
  };
  const auto pid = srun.pid;
  // The tasks kill what does not listen after their own grace, and then still write their records.
  return {{milliseconds{0}, ask},
          {2 * grace, [pid] { ::kill(pid, SIGTERM); }},
          {3 * grace, [pid] { ::kill(pid, SIGKILL); }}};
}

void end_step(const std::filesystem::path& tasks, std::int64_t count) {
  const auto scancel = start_scancel("KILL", tasks, count);
  if (!scancel) return log_line(scancel.error().message);
  pollfd ended{scancel->pidfd.get(), POLLIN, 0};
  ::poll(&ended, 1, static_cast<int>(scancel_within.count()));
}

}  // namespace amdahl::worker
