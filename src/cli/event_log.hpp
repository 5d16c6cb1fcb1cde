#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "command.hpp"

namespace amdahl::cli {

/// The service's log on standard error: one JSON line per event.
std::function<void(std::string_view, const nlohmann::json&)> make_event_log(Environment& env);

}  // namespace amdahl::cli
