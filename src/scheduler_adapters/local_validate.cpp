#include "local_validate.hpp"

#include <fmt/format.h>

#include "amdahl/run_files/formats.hpp"
#include "leg_check.hpp"

namespace amdahl::scheduler_adapters {

using core::Result;

Result<void> validate_local(const core::RunSpec& spec, const Capacity& capacity) {
  if (!core::is_run_key(spec.key.text))
    return core::invalid_input("`" + spec.key.text + "` is no run key");
  const auto& wants = spec.allocation;
  if (wants.nodes != 1) {
    return core::invalid_input(
        fmt::format("the local cluster has one node, the job wants {}", wants.nodes),
        "set nodes = 1 or use another cluster");
  }
  if (auto legs = check_legs(spec); !legs) return legs;
  if (!spec.pinned_nodes.empty() &&
      spec.pinned_nodes != std::vector<std::string>{run_files::host_name()}) {
    return core::invalid_input("the run is pinned to another machine",
                               "pin it to " + run_files::host_name() + ", or to nothing");
  }
  const auto check = [](const char* what, std::int64_t wanted, std::int64_t there) -> Result<void> {
    if (wanted >= 0 && wanted <= there) return {};
    return core::invalid_input(
        fmt::format("the job wants {} {}, this machine has {}", wanted, what, there),
        "lower [job.resources], or raise it in [cluster.NAME]");
  };
  if (auto gpus = check("GPUs", wants.gpus, capacity.gpus); !gpus) return gpus;
  if (auto cpus = check("CPUs", wants.cpus, capacity.cpus); !cpus) return cpus;
  return check("bytes of memory", wants.memory_bytes, capacity.memory_bytes);
}

}  // namespace amdahl::scheduler_adapters
