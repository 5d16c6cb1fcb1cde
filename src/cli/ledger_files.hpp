#pragma once

#include "command.hpp"

namespace amdahl::cli {

ExitCode run_export(Context& context, const Args& args);
ExitCode run_import(Context& context, const Args& args);

}  // namespace amdahl::cli
