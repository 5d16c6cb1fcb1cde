#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/run.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"
#include "dice.hpp"
#include "executor.hpp"
#include "truth.hpp"

namespace amdahl::simulation {

/// One submission, as the scheduler keeps it.
struct NativeJob {
  enum class State { held, pending, running, ended };
  std::string native_id;
  core::RunSpec spec;
  std::int64_t submitted_at_us = 0;
  Executor::Time landed_at{0};
  State state = State::held;
  bool claimed = false;  ///< it took the claim of its run key
  bool tainted = false;
  bool purged = false;     ///< gone from the live records; accounting still knows it
  bool forgotten = false;  ///< acknowledged, or lost with the controller: nobody knows it
  bool stopping = false;   ///< we asked it to stop
  std::vector<std::string> nodes;
  std::int64_t started_us = 0;
  std::int64_t ended_us = 0;
  std::vector<core::LegResult> legs;  ///< what its execution measured
  bool measured = false;              ///< it came to its end and wrote its result
  std::optional<core::RunOutcome> outcome;
  core::CauseClass cause = core::CauseClass::none;
  std::string reason;
  std::int64_t life = 0;  ///< counts its starts: what was due in an earlier one is void
};

/// What lies in a run's directory on the shared disk.
struct RunDirectory {
  std::string claim;  ///< the native id that took it
  std::string result;
};

/// A batch scheduler with two-phase submission and every trap of schedulers.md §4 that does not
/// depend on its wire format. Its jobs execute as the truth says; executions are counted here, by
/// the jobs themselves.
class SimulatedScheduler {
 public:
  SimulatedScheduler(Executor& executor, Dice dice, const Truth& truth);

  /// Told of each moment that an invariant looks at.
  std::function<void(const NativeJob&)> on_landed, on_released, on_started;

  // -- what its clients ask; instantaneous --
  NativeJob& submit_held(const core::RunSpec& spec);
  void submit_later(const core::RunSpec& spec, Executor::Time after);
  bool release(const std::string& native_id, const core::RunKey& key);
  scheduler_adapters::Cancelled cancel(const std::string& native_id, const core::RunKey& key,
                                       scheduler_adapters::CancelMode mode);
  std::vector<scheduler_adapters::Observation> live_records() const;
  std::vector<scheduler_adapters::Observation> records_of(const core::RunKey& key,
                                                          bool with_history) const;
  const RunDirectory* directory(const core::RunKey& key) const;
  void acknowledge(const core::RunKey& key);

  // -- what befalls it --
  void lose_last_accepted();
  void preempt(std::uint64_t dice);
  void requeue(std::uint64_t dice);
  void lose_node(std::uint64_t dice);
  void stop_by_somebody(std::uint64_t dice);
  void purge_ended();

  const std::deque<NativeJob>& jobs() const { return jobs_; }
  /// Native ids by run key, one entry per execution.
  const std::map<std::string, std::vector<std::string>>& executions() const { return executions_; }
  bool busy() const;
  std::int64_t gpu_us() const;

 private:
  NativeJob* running(std::uint64_t dice);
  NativeJob* by_id(const std::string& native_id, const core::RunKey& key);
  void start(NativeJob& job);
  void finish(NativeJob& job);
  void cut_short(NativeJob& job, std::uint64_t dice);
  void end(NativeJob& job, core::RunOutcome outcome, core::CauseClass cause, std::string reason);
  void due(NativeJob& job, Executor::Time after, void (SimulatedScheduler::*step)(NativeJob&));
  std::int64_t wall_us() const;

  Executor& executor_;
  Dice dice_;
  const Truth& truth_;
  std::deque<NativeJob> jobs_;
  std::map<std::string, RunDirectory> directories_;
  std::map<std::string, std::vector<std::string>> executions_;
  std::int64_t next_id_ = 1;
};

}  // namespace amdahl::simulation
