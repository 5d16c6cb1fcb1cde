#pragma once

#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/change.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/loop/view.hpp"

namespace amdahl::loop {

/// Why the patches among `changes`, after those the champion already has, do not apply to the code;
/// nothing when they do. Checked before anything is registered: a leg should never find out first.
std::optional<core::Error> patch_problem(const CodeSnapshot& code,
                                         const core::Configuration& champion,
                                         const std::vector<core::Change>& changes);

}  // namespace amdahl::loop
