#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "amdahl/core/result.hpp"
#include "amdahl/ledger/private_server.hpp"
#include "environment.hpp"

namespace amdahl::cli {

/// The folders of one `amdahl dev`: a private PostgreSQL, secrets and a configuration that other
/// commands can name.
struct DevPlace {
  std::filesystem::path state_dir;
  std::filesystem::path config_file() const { return state_dir / "amdahl.toml"; }
  std::filesystem::path ledger_dir() const { return state_dir / "ledger"; }
};

/// Where `amdahl dev` keeps its things when nobody says otherwise.
std::filesystem::path default_dev_dir(const Environment& env);

/// What the local cluster has to hand out, where it is not to be detected.
struct DevSlots {
  std::optional<std::int64_t> gpus;
  std::optional<std::int64_t> cpus;
  std::string memory;  ///< like `8GiB`; empty = detect
};

/// Starts (or joins) the private ledger, migrates it, and writes the configuration.
core::Result<ledger::PrivateServer> open_dev_ledger(const Environment& env, const DevPlace& place,
                                                    const DevSlots& slots);

/// The running server; nothing when none runs.
core::Result<std::optional<ledger::PrivateServer>> running_dev_ledger(const Environment& env,
                                                                      const DevPlace& place);

/// Held for as long as `amdahl dev` runs in a folder; the kernel drops it when the process ends.
class DevLock {
 public:
  /// Waits some seconds for one that is ending; `conflict` while another runs.
  static core::Result<DevLock> take(const Environment& env, const DevPlace& place);
  DevLock(DevLock&& other) noexcept;
  DevLock& operator=(DevLock&&) = delete;
  ~DevLock();

 private:
  explicit DevLock(int fd) : fd_{fd} {}
  int fd_;
};

}  // namespace amdahl::cli
