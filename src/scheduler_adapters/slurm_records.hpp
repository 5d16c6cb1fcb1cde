#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "amdahl/core/result.hpp"
#include "slurm_job.hpp"

/// Readers of what Slurm prints: pure, and never surprised. A record without an id is left out and
/// counted; a member of another type is as if it were not there.
namespace amdahl::scheduler_adapters::slurm {

struct Records {
  std::vector<Job> jobs;
  int unreadable = 0;                 ///< records without an id
  std::vector<std::string> problems;  ///< `errors` of the answer: number and words
};

/// `GET /slurm/v0.0.NN/jobs`, `squeue --json`, `GET /slurmdb/v0.0.NN/jobs` or `sacct --json`, of
/// v0.0.38 to v0.0.43: the shape of each member tells, not the number.
core::Result<Records> read_json(std::string_view text);

/// What `squeue -h -o` is asked for.
inline constexpr std::string_view squeue_format = "%i|%j|%u|%T|%r|%V|%S|%e|%N|%P|%Q|%k";
/// Lines of that format: times as `%V` prints them with SLURM_TIME_FORMAT=%s, that is Unix seconds.
Records read_squeue(std::string_view text);

/// What `sacct -X -n --parsable2 -o` is asked for, with SLURM_TIME_FORMAT=%s.
inline constexpr std::string_view sacct_fields =
    "JobIDRaw,JobName,User,State,Reason,Submit,Start,End,NodeList,Partition,ExitCode,AllocTRES,"
    "Comment";
Records read_sacct(std::string_view text);

}  // namespace amdahl::scheduler_adapters::slurm
