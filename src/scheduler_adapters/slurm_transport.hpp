#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"
#include "amdahl/scheduler_adapters/slurm.hpp"
#include "amdahl/scheduler_adapters/slurm_accounting.hpp"
#include "slurm_records.hpp"

namespace amdahl::scheduler_adapters::slurm {

/// Between the clocks of Slurm and of the service, in seconds, before it is worth a word.
inline constexpr std::int64_t skew_max_s = 5;

/// One batch job, held, never requeued, one of its name at a time.
struct JobRequest {
  std::string name;                     ///< the run key
  std::string comment;                  ///< what the live list shows of it later
  std::string partition, account, qos;  ///< empty = the cluster's default
  std::filesystem::path directory;      ///< its working directory
  std::string log;                      ///< where the shim's words go
  std::string script;
  std::int64_t nodes = 1;
  std::vector<std::string> pinned_nodes;  ///< these, as many as `nodes`; empty = any
  std::int64_t gpus_per_node = 0;
  std::int64_t cpus_per_node = 1;
  std::int64_t memory_mib_per_node = 0;  ///< 0 = the cluster's default
  std::int64_t minutes = 0;              ///< 0 = the partition's limit
};

struct Node {
  std::string name;
  std::int64_t cpus = 0, memory_mib = 0, gpus = 0;
  std::string gpu_type;  ///< `h100`; empty = the cluster names none
};

/// What an adapter asks of Slurm, through whatever. Each call has a deadline and throws nothing.
class Transport {
 public:
  virtual ~Transport() = default;

  /// The job's id. `unknown_outcome` unless it provably was not accepted.
  virtual std::variant<std::string, Failure> submit_held(const JobRequest& request,
                                                         std::chrono::milliseconds deadline) = 0;
  /// The controller's whole list of this user's jobs, those that ended a moment ago included.
  virtual core::Result<Records> live() = 0;
  /// The same of one job; without records when it has no such job.
  virtual core::Result<Records> live_job(const std::string& id) = 0;
  /// What accounting knows of jobs of these names that were there within the last `window`.
  virtual core::Result<Records> history(std::span<const std::string> names,
                                        std::chrono::seconds window) = 0;
  /// What accounting knows of everybody's jobs in a span of time, requeued attempts too.
  virtual core::Result<SlurmAccounting::Counts> accounting(const AccountingSpan& span,
                                                           const AccountingListener& listener) = 0;
  virtual core::Result<void> release(const std::string& id) = 0;
  virtual core::Result<void> cancel(const std::string& id) = 0;
  /// The nodes of a partition; of all where it is empty.
  virtual core::Result<std::vector<Node>> nodes(const std::string& partition) = 0;
  /// What is wrong with the way to Slurm, for `amdahl doctor`.
  virtual std::vector<Finding> examine() = 0;
};

std::unique_ptr<Transport> make_cli_transport(const SlurmOptions& options, core::Clock& clock);
std::unique_ptr<Transport> make_rest_transport(const SlurmOptions& options, core::Clock& clock);

}  // namespace amdahl::scheduler_adapters::slurm
