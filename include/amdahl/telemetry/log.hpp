#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "amdahl/core/clock.hpp"

namespace amdahl::telemetry {

enum class LogLevel { debug, info, warning, error };
std::string_view name(LogLevel level);
std::optional<LogLevel> log_level(std::string_view word);

/// How grave an event is by its name: `ledger_unavailable` is a warning. Most are `info`.
LogLevel level_of(std::string_view event);

/// One JSON line an event: `at`, `event`, `level` and the fields. Thread-safe; never throws; a
/// reader that does not read costs at most `patience` once, then lines are dropped and counted
/// until it reads again.
class Log {
 public:
  static constexpr std::chrono::milliseconds patience{100};
  static constexpr std::size_t line_bytes_max = 64 << 10;  ///< beyond, the fields are left out

  /// Writes to a stream that outlives it.
  Log(std::ostream& out, core::Clock& clock, LogLevel least);
  /// Writes to a descriptor that outlives it: standard error.
  Log(int descriptor, core::Clock& clock, LogLevel least);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void event(LogLevel level, std::string_view event, const nlohmann::json& fields) noexcept;
  /// With the level that its name has.
  void event(std::string_view event, const nlohmann::json& fields) noexcept;

  void set_level(LogLevel least) noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace amdahl::telemetry
