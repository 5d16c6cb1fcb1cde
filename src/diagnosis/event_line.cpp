#include "event_line.hpp"

#include <algorithm>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::diagnosis {
namespace {

constexpr std::size_t phase_name_bytes = 40;
constexpr double m_max = 1e10;  // three centuries of uptime

// A job cannot know these of itself: they belong to the scheduler's ledger or are the remainder.
bool outside_of_attempt(core::Phase phase) {
  using enum core::Phase;
  return phase == held || phase == queue || phase == launch || phase == over || phase == unknown;
}

}  // namespace

std::optional<EventParser::Line> EventParser::Line::parse(std::string_view text) {
  if (text.size() >= core::limits::event_line_bytes) return std::nullopt;
  Line line;
  line.fields = nlohmann::json::parse(text, nullptr, false);
  if (!line.fields.is_object()) return std::nullopt;
  const auto kind = line.text("k");
  const auto m = line.number("m");
  if (line.whole("v") != 1 || !kind || !m || *m < 0 || *m > m_max) return std::nullopt;
  line.kind = *kind;
  line.m = *m;
  return line;
}

std::optional<double> EventParser::Line::number(const char* key) const {
  const auto found = fields.find(key);
  if (found == fields.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional{value} : std::nullopt;
}

std::optional<std::int64_t> EventParser::Line::whole(const char* key) const {
  const auto found = fields.find(key);
  if (found == fields.end() || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return found->get<std::int64_t>();
}

std::optional<std::string> EventParser::Line::text(const char* key) const {
  const auto found = fields.find(key);
  return found != fields.end() && found->is_string() ? std::optional{found->get<std::string>()}
                                                     : std::nullopt;
}

std::optional<bool> EventParser::Line::flag(const char* key) const {
  const auto found = fields.find(key);
  return found != fields.end() && found->is_boolean() ? std::optional{found->get<bool>()}
                                                      : std::nullopt;
}

std::string phase_key(std::string_view name) {
  const auto known = core::parse<core::Phase>(name);
  if (known && !outside_of_attempt(*known)) return std::string{name};
  if (name.substr(0, 2) == "x:") name.remove_prefix(2);
  std::string key{name.substr(0, phase_name_bytes)};
  std::replace_if(
      key.begin(), key.end(), [](char c) { return c <= ' ' || c > '~'; }, '_');
  return "x:" + key;
}

}  // namespace amdahl::diagnosis
