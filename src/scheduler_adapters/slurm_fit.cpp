#include "slurm_fit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "amdahl/run_files/names.hpp"
#include "leg_check.hpp"

namespace amdahl::scheduler_adapters::slurm {

namespace {

constexpr std::int64_t mib = 1 << 20;
// Copying the code, and ending what hangs: beside the legs' own limits.
constexpr std::chrono::minutes beside_the_legs{10};

std::int64_t mib_of(std::int64_t bytes) { return (bytes + mib - 1) / mib; }

}  // namespace

Capacity capacity_of(const std::vector<Node>& nodes) {
  Capacity capacity;
  Node best;
  for (const auto& node : nodes) {
    capacity.gpus += node.gpus;
    capacity.cpus += node.cpus;
    capacity.memory_bytes += node.memory_mib * mib;
    if (std::pair{node.gpus, node.cpus} > std::pair{best.gpus, best.cpus}) best = node;
  }
  capacity.hardware_class =
      best.gpus > 0
          ? fmt::format("{} x {}", best.gpus, best.gpu_type.empty() ? "gpu" : best.gpu_type)
          : fmt::format("{} CPUs", best.cpus);
  return capacity;
}

core::Result<void> check_fit(const core::RunSpec& spec, const std::vector<Node>& nodes) {
  if (!core::is_run_key(spec.key.text))
    return core::invalid_input("`" + spec.key.text + "` is no run key");
  if (auto legs = check_legs(spec); !legs) return legs;
  const auto& wants = spec.allocation;
  if (wants.nodes != 1) {
    return core::invalid_input(
        fmt::format("the job wants {} nodes, and runs on several nodes are not built yet",
                    wants.nodes),
        "set nodes = 1");
  }
  if (wants.gpus < 0 || wants.cpus < 0 || wants.memory_bytes < 0)
    return core::invalid_input("the job wants less than nothing");
  Node most;
  for (const auto& node : nodes) {
    most.gpus = std::max(most.gpus, node.gpus);
    most.cpus = std::max(most.cpus, node.cpus);
    most.memory_mib = std::max(most.memory_mib, node.memory_mib);
    if (wants.gpus <= node.gpus && wants.cpus <= node.cpus &&
        mib_of(wants.memory_bytes) <= node.memory_mib)
      return {};
  }
  return core::invalid_input(
      fmt::format("the job wants {} GPUs, {} CPUs and {} MiB on one node; no node of the partition "
                  "has these (at most {}, {} and {})",
                  wants.gpus, wants.cpus, mib_of(wants.memory_bytes), most.gpus, most.cpus,
                  most.memory_mib),
      "lower [job.resources], or set another cluster.NAME.partition");
}

JobRequest request_of(const core::RunSpec& spec, const std::filesystem::path& directory) {
  JobRequest request;
  request.name = spec.key.text;
  request.directory = directory;
  // In these two Slurm sees patterns; of such a run only its own files tell.
  const bool plain = directory.native().find_first_of("%\\") == std::string::npos;
  request.log = plain ? (directory / run_files::names::log).string() : "/dev/null";
  request.nodes = spec.allocation.nodes;
  request.gpus_per_node = spec.allocation.gpus / request.nodes;
  request.cpus_per_node = std::max<std::int64_t>(1, spec.allocation.cpus / request.nodes);
  request.memory_mib_per_node = mib_of(spec.allocation.memory_bytes / request.nodes);
  if (spec.leg_time_limit.count() > 0) {
    const auto legs = static_cast<std::int64_t>(spec.legs.size()) * spec.leg_time_limit;
    request.minutes = std::chrono::ceil<std::chrono::minutes>(legs + beside_the_legs).count();
  }
  return request;
}

}  // namespace amdahl::scheduler_adapters::slurm
