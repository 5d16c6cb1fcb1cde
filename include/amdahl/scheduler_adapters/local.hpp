#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "amdahl/core/clock.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::scheduler_adapters {

/// `[cluster.NAME] adapter = "local"`. Zero capacity fields mean: detect.
struct LocalOptions {
  std::string cluster = "local";
  std::filesystem::path state_dir;  ///< holds `runs/` and `slots/`; created
  std::filesystem::path shim;       ///< amdahl-run; absolute
  std::int64_t gpus = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  std::optional<ResultPost> post{};  ///< results are handed in as well as written
};

/// Runs worker runs as local processes that outlive the service (schedulers.md, local columns).
std::unique_ptr<Adapter> make_local_adapter(LocalOptions options, core::Clock& clock);

}  // namespace amdahl::scheduler_adapters
