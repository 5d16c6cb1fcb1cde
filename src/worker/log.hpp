#pragma once

#include <string_view>

namespace amdahl::worker {

/// One line into shim.log (standard error), for whoever looks into a run directory.
void log_line(std::string_view text);

}  // namespace amdahl::worker
