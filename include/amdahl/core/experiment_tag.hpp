#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace amdahl::core {

/// An experiment as a person saw it who decides about it (its ETag): another one as soon as its
/// state has changed, or somebody has asked to abort it. `state`: its name.
std::string experiment_tag(std::int64_t experiment, std::string_view state, bool abort_requested);

}  // namespace amdahl::core
