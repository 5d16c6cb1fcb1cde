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
    if (leg.gpus < 0 || leg.gpus > spec.allocation.gpus) {
      return core::invalid_input(fmt::format("the {} uses {} GPUs of an allocation of {}",
                                             core::name(leg.arm), leg.gpus, spec.allocation.gpus));
    }
  }
  return {};
}

}  // namespace amdahl::scheduler_adapters
