#include "event_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

namespace amdahl::cli {

using nlohmann::json;

namespace {

std::string timestamp(core::WallTime now) {
  const auto us = now.time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(us / 1'000'000)), us / 1000 % 1000);
}

}  // namespace

std::function<void(std::string_view, const json&)> make_event_log(Environment& env) {
  return [&env](std::string_view event, const json& fields) {
    json line = fields.is_object() ? fields : json::object();
    line["at"] = timestamp(env.clock.now());
    line["event"] = event;
    env.err << line.dump(-1, ' ', false, json::error_handler_t::replace) << '\n' << std::flush;
  };
}

}  // namespace amdahl::cli
