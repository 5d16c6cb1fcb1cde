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

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

core::Result<void> check_pins(const core::RunSpec& spec, const std::vector<Node>& nodes) {
  if (spec.pinned_nodes.empty()) return {};
  if (static_cast<std::int64_t>(spec.pinned_nodes.size()) != spec.allocation.nodes) {
    return core::invalid_input(fmt::format("the run is pinned to {} nodes and wants {}",
                                           spec.pinned_nodes.size(), spec.allocation.nodes));
  }
  for (const auto& name : spec.pinned_nodes) {
    const auto is_it = [&](const Node& node) { return node.name == name; };
    if (std::any_of(nodes.begin(), nodes.end(), is_it)) continue;
    return core::invalid_input(
        fmt::format("the run is pinned to node `{}`, which the partition does not have", name),
        "sinfo shows its nodes");
  }
  return {};
}

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
  if (wants.nodes < 1 || wants.gpus < 0 || wants.cpus < 0 || wants.memory_bytes < 0)
    return core::invalid_input("the job wants less than nothing");
  if (auto pins = check_pins(spec, nodes); !pins) return pins;
  const auto each = core::on_each_node(wants);
  const auto each_mib = mib_of(each.memory_bytes);
  Node most;
  std::int64_t fitting = 0;
  for (const auto& node : nodes) {
    most.gpus = std::max(most.gpus, node.gpus);
    most.cpus = std::max(most.cpus, node.cpus);
    most.memory_mib = std::max(most.memory_mib, node.memory_mib);
    const bool fits =
        each.gpus <= node.gpus && each.cpus <= node.cpus && each_mib <= node.memory_mib;
    if (fits && (spec.pinned_nodes.empty() || contains(spec.pinned_nodes, node.name))) ++fitting;
  }
  if (fitting >= wants.nodes) return {};
  const auto what = fmt::format("{} GPUs, {} CPUs and {} MiB", each.gpus, each.cpus, each_mib);
  const auto top = fmt::format("(at most {}, {} and {})", most.gpus, most.cpus, most.memory_mib);
  const auto message =
      wants.nodes == 1
          ? fmt::format("the job wants {} on one node; no node of the partition has these {}", what,
                        top)
          : fmt::format("the job wants {} on each of {} nodes; {} of the partition have these {}",
                        what, wants.nodes, fitting, top);
  return core::invalid_input(message,
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
  request.pinned_nodes = spec.pinned_nodes;
  const auto each = core::on_each_node(spec.allocation);
  request.gpus_per_node = each.gpus;
  request.cpus_per_node = std::max<std::int64_t>(1, each.cpus);
  request.memory_mib_per_node = mib_of(each.memory_bytes);
  if (spec.leg_time_limit.count() > 0) {
    const auto legs = static_cast<std::int64_t>(spec.legs.size()) * spec.leg_time_limit;
    request.minutes = std::chrono::ceil<std::chrono::minutes>(legs + beside_the_legs).count();
  }
  return request;
}

}  // namespace amdahl::scheduler_adapters::slurm
