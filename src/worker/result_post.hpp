#pragma once

#include <string>

#include "amdahl/core/run.hpp"
#include "amdahl/run_files/formats.hpp"

namespace amdahl::worker {

/// Hands a result to the service, again and again until it is taken, refused or
/// limits::post_patience is over; whether the service has it. Runs in a process of its own: neither
/// the resolver of a worker's system nor TLS can take the shim along. What went wrong is logged.
bool post_result(const run_files::PostSettings& settings, const core::RunKey& key,
                 const std::string& result);

}  // namespace amdahl::worker
