#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "amdahl/core/run.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"
#include "slurm_job.hpp"

/// A run as its directory and Slurm's record tell it together (schedulers.md §3).
namespace amdahl::scheduler_adapters::slurm {

/// Files of the adapter's own in a run's directory, beside those of run_files/names.hpp.
namespace files {
inline constexpr std::string_view submitted = "slurm.json";  ///< job id and time, once accepted
inline constexpr std::string_view given_up = "given_up";     ///< why the adapter cancelled the job
}  // namespace files

/// Whose jobs these are: eight hexadecimal digits of the run directory's name.
std::string scope_of(const std::filesystem::path& run_dir);

/// What a job's comment carries: `amdahl1 <scope> <term> <fence> <head seq> <head hash>`.
struct Carried {
  std::string scope;
  core::Witness witness;
};
std::string comment_of(const Carried& carried);
std::optional<Carried> read_comment(std::string_view comment);

/// The job's own name of a submission; the time is Slurm's, in whole seconds.
NativeRef ref_of(const Job& job);
core::Result<void> write_submitted(const std::filesystem::path& directory, const NativeRef& ref);
std::optional<NativeRef> read_submitted(const std::filesystem::path& directory);

/// Which job took the claim; an empty id where the claim does not say. None: there is no claim.
std::optional<std::string> claimed_by(const std::filesystem::path& directory);

struct Patience {
  std::int64_t now_s = 0;
  std::chrono::seconds result_grace{0};
};

/// A run of which Slurm has a record. Reads of the directory only what the record leaves open.
Observation observe_job(const Job& job, const std::filesystem::path& directory,
                        const Patience& patience);

/// A run whose job Slurm has forgotten. Nothing: the directory proves neither a beginning nor an
/// end.
std::optional<Observation> observe_without_job(const core::RunKey& key,
                                               const std::filesystem::path& directory);

}  // namespace amdahl::scheduler_adapters::slurm
