#include "leg_check.hpp"

#include <fmt/format.h>

namespace amdahl::scheduler_adapters {

using core::Result;

namespace {

bool has_zero(const std::string& text) { return text.find('\0') != std::string::npos; }

// What the kernel would cut or misread, and the leg would then not run as written.
Result<void> check_texts(const core::LegSpec& leg) {
  for (const auto& [name, value] : leg.env) {
    if (name.empty() || name.find('=') != std::string::npos || has_zero(name) || has_zero(value)) {
      return core::invalid_input(
          fmt::format("the {} sets the variable `{}`, which no process can have",
                      core::name(leg.arm), name.substr(0, name.find('\0'))),
          "names are not empty and hold no `=`; no zero bytes");
    }
  }
  for (const auto& word : leg.command) {
    if (has_zero(word)) return core::invalid_input("a command cannot hold a zero byte");
  }
  return {};
}

Result<void> check_size(const core::LegSpec& leg, const core::Resources& allocation) {
  const auto refused = [&](const std::string& what) {
    return core::invalid_input(fmt::format("the {} uses {}", core::name(leg.arm), what));
  };
  if (leg.nodes < 1 || leg.nodes > allocation.nodes)
    return refused(fmt::format("{} nodes of an allocation of {}", leg.nodes, allocation.nodes));
  if (leg.gpus < 0 || leg.gpus > allocation.gpus)
    return refused(fmt::format("{} GPUs of an allocation of {}", leg.gpus, allocation.gpus));
  if (leg.gpus % leg.nodes != 0)
    return refused(
        fmt::format("{} GPUs, not as many on each of its {} nodes", leg.gpus, leg.nodes));
  if (leg.gpus / leg.nodes > allocation.gpus / allocation.nodes) {
    return refused(fmt::format("{} GPUs on each node of an allocation with {}",
                               leg.gpus / leg.nodes, allocation.gpus / allocation.nodes));
  }
  return {};
}

}  // namespace

Result<void> check_legs(const core::RunSpec& spec) {
  if (spec.legs.empty() || spec.legs.size() > 2)
    return core::invalid_input("a run has one or two legs");
  for (const auto& leg : spec.legs) {
    if (leg.command.empty() || leg.command.front().empty()) {
      return core::invalid_input(fmt::format("the {} has no command", core::name(leg.arm)),
                                 "set [job] command in the job file");
    }
    if (auto texts = check_texts(leg); !texts) return texts;
    if (auto size = check_size(leg, spec.allocation); !size) return size;
  }
  return {};
}

}  // namespace amdahl::scheduler_adapters
