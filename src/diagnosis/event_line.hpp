#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "amdahl/diagnosis/events.hpp"

namespace amdahl::diagnosis {

/// One parsed event line. Accessors answer nothing where a field is absent or of another type.
struct EventParser::Line {
  nlohmann::json fields;
  std::string kind;
  double m = 0;

  /// Nothing for anything that is not a line of amdahl/1.
  static std::optional<Line> parse(std::string_view text);

  bool has(const char* key) const { return fields.contains(key); }
  std::optional<double> number(const char* key) const;
  std::optional<std::int64_t> whole(const char* key) const;
  std::optional<std::string> text(const char* key) const;
  std::optional<bool> flag(const char* key) const;
};

/// How the ledger of phases spells what a job calls a phase: those of an attempt by their own name,
/// all others as `x:name`.
std::string phase_key(std::string_view name);

}  // namespace amdahl::diagnosis
