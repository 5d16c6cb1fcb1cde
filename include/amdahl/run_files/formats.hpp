#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/run_files/process_identity.hpp"

/// What stands in the files of a run's directory.
namespace amdahl::run_files {

/// `local.json`: where this machine counts its slots, and how many there are. A run directory
/// without it has no gate and no slots: another scheduler has already allocated.
struct LocalSettings {
  std::filesystem::path slots_dir;
  std::int64_t gpus = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t submitted_at_us = 0;

  friend bool operator==(const LocalSettings&, const LocalSettings&) = default;
};
nlohmann::json to_json(const LocalSettings& settings);
core::Result<LocalSettings> local_settings_from_json(const nlohmann::json& value);

/// `post.json`: the service that the shim hands its result to, where no disk is shared.
struct PostSettings {
  std::string url;    ///< of the service, `https://loop.example:7717`
  std::string token;  ///< opens the door of this run's result and no other
  std::string ca;     ///< PEM of the CA that is trusted; empty = what the worker's system trusts

  friend bool operator==(const PostSettings&, const PostSettings&) = default;
};
nlohmann::json to_json(const PostSettings& settings);
core::Result<PostSettings> post_settings_from_json(const nlohmann::json& value);

/// `allocation.json`: what the run holds of the machine, and since when.
struct Allocation {
  std::vector<std::string> gpu_ids;
  std::int64_t start_us = 0;

  friend bool operator==(const Allocation&, const Allocation&) = default;
};
nlohmann::json to_json(const Allocation& allocation);
core::Result<Allocation> allocation_from_json(const nlohmann::json& value);

/// Reading of one file each, by the name it has in the run directory.
core::Result<core::RunSpec> read_spec(const std::filesystem::path& directory);
core::Result<core::RunResult> read_result(const std::filesystem::path& directory);
core::Result<std::optional<LocalSettings>> read_local_settings(
    const std::filesystem::path& directory);
core::Result<std::optional<PostSettings>> read_post_settings(
    const std::filesystem::path& directory);
std::optional<ProcessIdentity> read_process(const std::filesystem::path& file);
std::optional<Allocation> read_allocation(const std::filesystem::path& directory);

/// The name of this machine.
std::string host_name();

}  // namespace amdahl::run_files
