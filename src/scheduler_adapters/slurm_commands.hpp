#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "slurm_transport.hpp"

/// What is said to Slurm's commands and read from them: pure.
namespace amdahl::scheduler_adapters::slurm {

/// The batch script: nothing but the shim, by its absolute path, and the run's directory. Whatever
/// a run is to do stands in files there.
std::string job_script(const std::filesystem::path& shim, const std::filesystem::path& directory);

std::vector<std::string> sbatch_words(const JobRequest& request,
                                      const std::filesystem::path& script);

/// What sbatch's end means for the job. `error` is its standard error.
std::variant<std::string, Failure> read_sbatch(int status, std::string_view output,
                                               std::string_view error);

/// Lines of `sinfo -h -N -o` with this format; a line that is none is left out.
inline constexpr std::string_view sinfo_format = "%N|%c|%m|%G";
std::vector<Node> read_sinfo(std::string_view text);

/// `gpu:h100:8(S:0-1),shard:4` → 8 of h100.
struct Gpus {
  std::int64_t count = 0;
  std::string type;
};
Gpus gpus_of_gres(std::string_view gres);

/// The value of `MinJobAge = 300 sec` in what `scontrol show config` prints; none where it has
/// none.
std::optional<std::string> config_value(std::string_view text, std::string_view name);

}  // namespace amdahl::scheduler_adapters::slurm
