#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "command.hpp"

namespace amdahl::cli {

/// The service's log on standard error: one JSON line per event, or a short line on a terminal.
std::function<void(std::string_view, const nlohmann::json&)> make_event_log(Environment& env,
                                                                            bool short_lines);

}  // namespace amdahl::cli
