#include "event_log.hpp"

#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

namespace amdahl::cli {

using nlohmann::json;
using telemetry::Log;
using telemetry::LogLevel;

LogLevel log_level_of(const Config& config) {
  return telemetry::log_level(config.log_level).value_or(LogLevel::info);
}

// Shared by the copies of the functions that write it.
std::shared_ptr<Log> open_log(Environment& env, LogLevel least) {
  if (&env.err == &std::cerr)
    return std::make_shared<Log>(STDERR_FILENO, env.clock, least);  // as above
  return std::make_shared<Log>(env.err, env.clock, least);
}

// The function and its copies keep it.
EventLog event_log_of(std::shared_ptr<Log> log) {
  return [log = std::move(log)](std::string_view event, const json& fields) {
    log->event(event, fields);
  };
}

EventLog make_event_log(Environment& env, LogLevel least) {
  return event_log_of(open_log(env, least));
}

}  // namespace amdahl::cli
