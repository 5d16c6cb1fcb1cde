#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {

/// How much of a machine: all of it, or what one run asks for.
struct SlotCount {
  std::int64_t gpus = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;

  friend bool operator==(const SlotCount&, const SlotCount&) = default;
};

/// The machine's slots as byte ranges of files, locked by open file description: one byte is one
/// GPU, one CPU or one MiB. The kernel frees what a dead shim held, so no number of services and
/// shims can hand out the same slot twice.
class Slots {
 public:
  static core::Result<Slots> open(const std::filesystem::path& directory, SlotCount total);

  /// Takes all of `wanted` and answers the GPU indices, or takes nothing: not free now. Held until
  /// destruction. Call once.
  core::Result<std::optional<std::vector<std::int64_t>>> try_take(SlotCount wanted);

 private:
  struct File {
    run_files::UniqueFd fd;
    std::int64_t total = 0;
  };
  File allocator_, gpus_, cpus_, memory_;
};

}  // namespace amdahl::worker
