#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::cli {

/// Who may deliver webhooks for a cluster; the secrets stand in the files.
struct HooksConfig {
  bool enabled = true;
  std::vector<std::filesystem::path> secret_files{};
  std::filesystem::path url_token_file{};  ///< empty = the unsigned doors are closed

  friend bool operator==(const HooksConfig&, const HooksConfig&) = default;
};

/// How a Slurm cluster is reached. Empty texts and paths are Slurm's or the service's defaults.
struct SlurmConfig {
  std::string via = "cli";
  std::string url{}, user{};
  std::filesystem::path token_file{}, ca_file{};
  std::vector<std::string> token_command{};
  std::string partition{}, account{}, qos{};
  std::filesystem::path run_dir{}, shim{};
  bool accounting = true;
  std::chrono::milliseconds call_timeout{10'000}, poll_interval{2'000}, quiet_period{60'000},
      result_grace{15'000}, stop_grace{30'000}, unschedulable_after{600'000};

  friend bool operator==(const SlurmConfig&, const SlurmConfig&) = default;
};

/// A configured scheduler. Zero means: detect.
struct ClusterConfig {
  std::string name;
  std::string adapter = "local";
  std::int64_t gpus = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  HooksConfig hooks{};
  std::string post_url{};                ///< empty = workers share a disk with the service
  std::filesystem::path post_ca_file{};  ///< empty = what the workers' system trusts
  SlurmConfig slurm{};

  friend bool operator==(const ClusterConfig&, const ClusterConfig&) = default;
};

/// One setting as it stands, and where it was last set.
struct Setting {
  std::string path;      ///< `refute.checks`
  nlohmann::json value;  ///< null where there is none
  std::string origin;  ///< `/etc/amdahl/amdahl.toml:16:10`, `env AMDAHL__…`, `flag --…`, `default`
};

/// The service's configuration, checked.
struct Config {
  std::string listen;
  std::filesystem::path socket;           ///< empty = where it is looked for (service_socket)
  std::filesystem::path tls_certificate;  ///< empty = none
  std::filesystem::path tls_key;
  std::filesystem::path post_key_file;  ///< empty = no worker posts its result
  std::string log_level = "info";
  std::filesystem::path token_file;  ///< of whoever asks a service; empty = none
  std::filesystem::path ca_file;  ///< that signed the service's certificate; empty = the system's
  std::filesystem::path state_dir;
  std::filesystem::path url_file;        ///< empty = none
  std::filesystem::path owner_url_file;  ///< empty = none
  std::vector<ClusterConfig> clusters;
  std::optional<double> gpu_hours_per_day;  ///< absent = no limit
  double fleet_share = 1;
  int concurrent_runs = 64;
  int pairs_max = 15;
  std::vector<std::string> approval;
  int checks = 5;
  std::chrono::milliseconds refute_delay{0};
  std::chrono::milliseconds idle_interval{0};
  std::chrono::milliseconds lease_ttl{0};
  bool observe = false;

  std::vector<Setting> settings;   ///< all of the above, in the order of the reference
  std::vector<std::string> files;  ///< that were read
};

/// What a configuration is made of, weakest first: files, variables, flags.
struct ConfigSources {
  struct File {
    std::string place;
    std::string text;
  };
  std::vector<File> files;
  std::map<std::string, std::string> variables;  ///< the process's; only AMDAHL__… count
  std::map<std::string, std::string> flags;      ///< setting's path → text
  std::filesystem::path directory;               ///< relative paths of variables and flags
  std::filesystem::path state_dir;               ///< the default
};

/// Reads and checks everything; all errors at once.
core::Result<Config> load_config(const ConfigSources& sources);

}  // namespace amdahl::cli
