#include "local_observe.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/run_files/life_lock.hpp"
#include "amdahl/run_files/names.hpp"

namespace amdahl::scheduler_adapters {
namespace {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::CauseClass;
using core::Result;
using core::RunOutcome;
using core::RunState;

bool has_file(const fs::path& path) { return ::access(path.c_str(), F_OK) == 0; }

void end(Observation& seen, RunOutcome outcome, CauseClass cause, std::string reason) {
  seen.state = RunState::ended;
  seen.outcome = outcome;
  seen.cause = cause;
  seen.reason = std::move(reason);
}

void end_by_result(Observation& seen, const core::RunResult& result) {
  seen.started_at_us = result.start_us;
  seen.ended_at_us = result.end_us;
  if (!result.node.empty()) seen.nodes = {result.node};
  if (result.cancelled) return end(seen, RunOutcome::cancelled, CauseClass::operator_, "cancelled");
  if (!result.problem.empty())
    return end(seen, RunOutcome::launch_failed, CauseClass::infra, result.problem);
  // Legs that failed are in the result: the run did its work.
  end(seen, RunOutcome::succeeded, CauseClass::none, "");
}

// Kills the leg and all below it, whatever session it moved to. Whether any of it is still there:
// a killed process goes when the kernel gets to it, and its GPU with it.
bool kill_survivors(const fs::path& directory, const core::RunKey& key) {
  // A dying shim lets go of its lock before the kernel kills its leg for it.
  const auto shim = run_files::read_process(directory / names::shim);
  bool any = shim && run_files::identify(shim->pid) == *shim;
  const auto leg = run_files::read_process(directory / names::leg);
  const auto now_there = leg ? run_files::identify(leg->pid) : std::nullopt;
  // Its number may be another session's by now.
  const bool session_is_its = leg && (!now_there || *now_there == *leg) &&
                              leg->boot_id == run_files::identify_self().boot_id;
  for (const auto& process : run_files::processes_of_run(key.text, session_is_its ? leg->pid : 0)) {
    run_files::signal_process(process, SIGKILL);
    any = true;
  }
  return any;
}

void end_without_result(Observation& seen, const fs::path& directory, const core::Error& why) {
  const bool garbage = why.code != core::ErrorCode::not_found;
  if (seen.claimed) {
    if (kill_survivors(directory, seen.key)) {
      seen.state = RunState::running;
      seen.reason = "its shim died; what it left behind is being killed";
      return;
    }
    return end(seen, RunOutcome::lost, CauseClass::infra,
               garbage ? why.message : "the shim died before it could write a result");
  }
  const auto failure =
      run_files::read_file(directory / names::failure, core::limits::error_tail_bytes);
  end(seen, RunOutcome::launch_failed, CauseClass::infra,
      failure ? *failure : "the shim died before it began");
}

void set_carried(Observation& seen, const fs::path& directory) {
  if (const auto spec = run_files::read_spec(directory)) seen.witness = spec->witness;
  if (const auto shim = run_files::read_process(directory / names::shim)) {
    seen.ref.native_id = run_files::native_id(*shim);
  }
  const auto settings = run_files::read_local_settings(directory);
  if (settings && *settings) seen.ref.submitted_at_us = (*settings)->submitted_at_us;
}

}  // namespace

Result<std::optional<Observation>> observe_directory(const fs::path& directory,
                                                     const core::RunKey& key) {
  // The lock first: a shim writes its result before it lets go, so a free lock without a result
  // afterwards is the truth.
  const auto locked = run_files::is_locked(directory / names::lock);
  if (!locked) return locked.error();
  Observation seen;
  seen.key = key;
  seen.claimed = has_file(directory / names::claim);
  const auto result = run_files::read_result(directory);
  if (!result && !*locked && !seen.claimed && !has_file(directory / names::shim)) {
    return std::optional<Observation>{};
  }
  set_carried(seen, directory);
  if (result && result->key == key) {
    end_by_result(seen, *result);
    return std::optional{std::move(seen)};
  }
  if (!*locked) {
    end_without_result(
        seen, directory,
        result ? core::invalid_input("result.json names another run") : result.error());
    return std::optional{std::move(seen)};
  }
  seen.nodes = {run_files::host_name()};
  seen.state = seen.claimed ? RunState::running : RunState::queued;
  seen.held_by_us = !seen.claimed && !has_file(directory / names::release);
  if (const auto allocation = run_files::read_allocation(directory))
    seen.started_at_us = allocation->start_us;
  return std::optional{std::move(seen)};
}

}  // namespace amdahl::scheduler_adapters
