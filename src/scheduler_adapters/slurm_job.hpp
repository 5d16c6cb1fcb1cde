#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/states.hpp"

namespace amdahl::scheduler_adapters::slurm {

/// One record of a job, whatever Slurm printed it: the live list, accounting, REST or text. A
/// member that the record does not have, or has in an unknown form, is empty.
struct Job {
  std::string id;    ///< `17`; of an array or a heterogeneous job as printed: never one of ours
  std::string name;  ///< the run key
  std::string user;
  std::string comment;
  std::string partition;
  std::string cluster, account;     ///< in accounting only
  std::vector<std::string> states;  ///< as printed, base state and flags: `CANCELLED by 0`
  std::string reason;
  std::vector<std::string> nodes;
  std::optional<std::int64_t> submit_s, start_s,
      end_s;  ///< Unix; unknown and expected times are none
  std::optional<int> exit_code, signal;
  int restarts = 0;
  std::optional<std::int64_t> priority;  ///< of a held job: 0
  std::optional<std::int64_t> gpus;      ///< of its allocation
  // In accounting only: since when it could start, and what its steps say.
  std::optional<std::int64_t> eligible_s, first_step_s;
  std::optional<std::int64_t> step_gpus;  ///< of all its steps: at least what it ever used at once
  /// As accounting has them, whatever the state: a requeued attempt has ended.
  std::optional<std::int64_t> recorded_start_s, recorded_end_s;
};

/// What a record says of a run (schedulers.md §3). What is not known is no end: `state` is none.
struct Meaning {
  std::optional<core::RunState> state;
  std::optional<core::RunOutcome> outcome;  ///< set exactly when state is ended
  core::CauseClass cause = core::CauseClass::none;
  bool tainted = false;   ///< suspended, requeued or preempted on the way
  bool hopeless = false;  ///< pending, and by itself it will never start
  std::string raw;        ///< the scheduler's words, for people and the log
};
Meaning meaning_of(const Job& job);

/// `n[1-3,07],login` → its names, in order; none where it is no such list, or of over 10,000 names.
std::optional<std::vector<std::string>> expand_hosts(std::string_view list);

/// The GPUs of `cpu=4,gres/gpu=8,node=2`; none where it names no node.
std::optional<std::int64_t> gpus_of_tres(std::string_view tres);

}  // namespace amdahl::scheduler_adapters::slurm
