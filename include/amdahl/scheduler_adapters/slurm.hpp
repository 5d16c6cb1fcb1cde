#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::scheduler_adapters {

/// `[cluster.NAME] adapter = "slurm"`.
struct SlurmOptions {
  enum class Via { cli, rest };

  std::string cluster;
  std::filesystem::path run_dir;        ///< on a disk that the nodes share; created
  std::filesystem::path shim;           ///< amdahl-run, by the path it has on the nodes
  std::string partition, account, qos;  ///< empty = the cluster's default
  bool accounting = true;               ///< slurmdbd is asked about jobs the controller forgot
  std::chrono::milliseconds call_within{10'000};
  std::chrono::milliseconds poll_interval{2'000};          ///< where no webhook tells sooner
  std::chrono::milliseconds quiet_period{60'000};          ///< three MessageTimeouts
  std::chrono::milliseconds result_grace{15'000};          ///< of a slow shared disk
  std::chrono::milliseconds stop_grace{30'000};            ///< from asking a shim to end to scancel
  std::chrono::milliseconds unschedulable_after{600'000};  ///< of a job that can never start
  std::string listen;  ///< HOST:PORT of the service that webhooks go to; empty = none

  Via via = Via::cli;
  std::string url;                         ///< slurmrestd: `http://HOST:PORT`, `unix:/PATH`
  std::string user;                        ///< whose token it is
  std::filesystem::path token_file;        ///< holds a JSON Web Token; read again for each call
  std::vector<std::string> token_command;  ///< prints one, instead of a file
  std::filesystem::path ca_file;           ///< PEM; empty = what the system trusts
};

/// Runs worker runs as Slurm jobs (docs/reference/slurm.md).
std::unique_ptr<Adapter> make_slurm_adapter(SlurmOptions options, core::Clock& clock);

}  // namespace amdahl::scheduler_adapters
