#pragma once

#include "amdahl/core/clock.hpp"
#include "environment.hpp"
#include "process.hpp"

namespace amdahl::cli {

/// The process as it was started; SIGINT and SIGTERM set `interrupted` from here on, SIGHUP
/// counts once `hangups` was asked.
Environment make_system_environment(core::Clock& clock, const char* argv0);

}  // namespace amdahl::cli
