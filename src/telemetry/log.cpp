#include "amdahl/telemetry/log.hpp"

#include <spdlog/logger.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "descriptor_sink.hpp"
#include "timestamp.hpp"

namespace amdahl::telemetry {

namespace {

using nlohmann::json;

constexpr auto level_names = std::to_array<std::string_view>({"debug", "info", "warning", "error"});

constexpr auto warnings = std::to_array<std::string_view>(
    {"cluster_unseen", "experiment_held", "fenced", "lease_lapsed", "ledger_outcome_unknown",
     "ledger_refused", "ledger_unavailable", "notify_failed", "release_failed", "reload_failed",
     "submit_failed"});
constexpr auto errors = std::to_array<std::string_view>({"ledger_altered", "ledger_rewound"});

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string text_of(const json& line) {
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string line_of(core::WallTime now, LogLevel level, std::string_view event,
                    const json& fields) {
  const json head{{"at", timestamp(now)}, {"event", event}, {"level", name(level)}};
  json line = fields.is_object() ? fields : json::object();
  line.update(head);
  auto text = text_of(line);
  if (text.size() <= Log::line_bytes_max) return text;
  auto shorter = head;
  shorter["bytes_left_out"] = text.size();
  return text_of(shorter);
}

}  // namespace

std::string_view name(LogLevel level) { return level_names.at(static_cast<std::size_t>(level)); }

std::optional<LogLevel> log_level(std::string_view word) {
  const auto found = std::ranges::find(level_names, word);
  if (found == level_names.end()) return std::nullopt;
  return static_cast<LogLevel>(found - level_names.begin());
}

LogLevel level_of(std::string_view event) {
  if (std::ranges::find(errors, event) != errors.end()) return LogLevel::error;
  if (std::ranges::find(warnings, event) != warnings.end()) return LogLevel::warning;
  return LogLevel::info;
}

struct Log::Parts {
  Parts(spdlog::sink_ptr sink, core::Clock& the_clock, LogLevel least)
      : clock{the_clock}, logger{"amdahl", std::move(sink)} {
    logger.set_level(spdlog_level(least));
    // The log is where problems are told; its own have no place but this.
    logger.set_error_handler([](const std::string&) {});
  }

  core::Clock& clock;
  spdlog::logger logger;
};

// spdlog shares its sinks among loggers, hence std::shared_ptr.
Log::Log(std::ostream& out, core::Clock& clock, LogLevel least)
    : parts_{std::make_unique<Parts>(std::make_shared<StreamSink>(out), clock, least)} {}

// The same.
Log::Log(int descriptor, core::Clock& clock, LogLevel least)
    : parts_{std::make_unique<Parts>(std::make_shared<DescriptorSink>(descriptor, clock), clock,
                                     least)} {}

Log::~Log() = default;

void Log::event(LogLevel level, std::string_view event, const json& fields) noexcept {
  try {
    if (!parts_->logger.should_log(spdlog_level(level))) return;
    const auto line = line_of(parts_->clock.now(), level, event, fields);
    parts_->logger.log(spdlog_level(level), spdlog::string_view_t{line.data(), line.size()});
  } catch (...) {
    // No memory, most likely: what is logged is worth less than the loop.
  }
}

void Log::event(std::string_view event, const json& fields) noexcept {
  this->event(level_of(event), event, fields);
}

void Log::set_level(LogLevel least) noexcept { parts_->logger.set_level(spdlog_level(least)); }

}  // namespace amdahl::telemetry
