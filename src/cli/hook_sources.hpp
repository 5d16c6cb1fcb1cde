#pragma once

#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/http/hooks.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// Reads the secrets of all clusters that have hooks. Errors name the setting and the file: one
/// that others may read, that holds no secret, or that a second cluster uses, since the secret
/// decides the cluster. Reads files only, so that a reload can be tried before it is made.
core::Result<std::vector<http::HookSource>> read_hook_sources(const Config& config);

}  // namespace amdahl::cli
