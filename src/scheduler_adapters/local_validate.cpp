#include "local_validate.hpp"

#include <fmt/format.h>

#include "leg_check.hpp"

namespace amdahl::scheduler_adapters {

using core::Result;

Result<void> validate_local(const core::RunSpec& spec, const Capacity& capacity) {
  if (!core::is_run_key(spec.key.text))
    return core::invalid_input("`" + spec.key.text + "` is no run key");
  if (auto legs = check_legs(spec); !legs) return legs;
  const auto& wants = spec.allocation;
  if (wants.nodes != 1) {
    return core::invalid_input(
        fmt::format("the local cluster has one node, the job wants {}", wants.nodes),
        "set nodes = 1 or use another cluster");
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
