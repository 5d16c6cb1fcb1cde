#pragma once

#include "amdahl/core/result.hpp"
#include "command.hpp"

namespace amdahl::cli {

ExitCode exit_code_of(core::ErrorCode code);

/// `amdahl: what` and the hint below it, on standard error.
ExitCode report(Environment& env, const core::Error& error);
ExitCode report(Environment& env, const core::Error& error, ExitCode code);

/// Runs a command and turns broken infrastructure into a report: the one place that catches.
ExitCode run_guarded(Context& context, const Command& command, const Args& args);

}  // namespace amdahl::cli
