#pragma once

#include <map>
#include <memory>
#include <string>

#include "amdahl/core/clock.hpp"

namespace amdahl::cli {

/// The system's clocks.
std::unique_ptr<core::Clock> make_system_clock();

/// The variables that this process was started with.
std::map<std::string, std::string> process_variables();

}  // namespace amdahl::cli
