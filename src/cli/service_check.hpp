#pragma once

#include <vector>

#include "amdahl/core/result.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// Whether a service has both a certificate and its key.
bool has_tls(const Config& config);

/// What keeps a service from starting with this configuration, all of it: where it listens, its
/// certificate, and the secrets of webhooks. Reads those files, opens nothing.
std::vector<core::Error> service_problems(const Config& config);

}  // namespace amdahl::cli
