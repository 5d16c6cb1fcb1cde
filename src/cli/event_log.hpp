#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "amdahl/telemetry/log.hpp"
#include "command.hpp"
#include "config.hpp"

namespace amdahl::cli {

using EventLog = std::function<void(std::string_view, const nlohmann::json&)>;

telemetry::LogLevel log_level_of(const Config& config);

/// The service's log on standard error: one JSON line per event.
std::shared_ptr<telemetry::Log> open_log(Environment& env, telemetry::LogLevel least);
EventLog event_log_of(std::shared_ptr<telemetry::Log> log);

/// Both in one, where nobody changes the level later.
EventLog make_event_log(Environment& env, telemetry::LogLevel least = telemetry::LogLevel::info);

}  // namespace amdahl::cli
