#pragma once

#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::loop {

/// The files that git tracks below `directory`, relative to it. The error says what to write
/// instead where there is no git or no repository.
core::Result<std::vector<std::string>> tracked_files(const std::string& directory);

}  // namespace amdahl::loop
