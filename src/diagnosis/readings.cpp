#include "amdahl/diagnosis/readings.hpp"

#include <fmt/format.h>

#include <boost/regex.hpp>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"

namespace amdahl::diagnosis {
namespace {

constexpr double units_max = 1e15;  // still exact as a double

std::optional<double> to_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

struct LastMatch::Pattern {
  boost::regex regex;
};

// Boost's matcher gives up on patterns that would backtrack for ever; std::regex does not.
LastMatch::LastMatch(std::string regex) : regex_{std::move(regex)} {
  try {
    pattern_ = std::make_unique<Pattern>(Pattern{boost::regex{regex_, boost::regex::ECMAScript}});
  } catch (const std::exception& error) {
    found_ = {{}, fmt::format("`{}` is no regular expression: {}", regex_, error.what())};
  }
}
LastMatch::~LastMatch() = default;
LastMatch::LastMatch(LastMatch&&) noexcept = default;

bool LastMatch::feed(std::string_view line) {
  if (found_) return false;
  line = line.substr(0, core::limits::event_line_bytes);
  std::optional<std::string> group;
  try {
    boost::cregex_iterator match{line.data(), line.data() + line.size(), pattern_->regex};
    for (const boost::cregex_iterator none; match != none; ++match) {
      group = (*match)[match->size() > 1 ? 1 : 0].str();
    }
  } catch (const std::exception& error) {
    found_ = {{}, fmt::format("`{}` cannot be matched: {}", regex_, error.what())};
    return false;
  }
  if (!group) return true;
  const auto value = to_number(*group);
  found_ = value ? Reading{value, {}}
                 : Reading{{},
                           fmt::format("`{}` matched \"{}\", which is no number", regex_,
                                       group->substr(0, 80))};
  return false;
}

Reading LastMatch::reading() const {
  return found_ ? *found_ : Reading{{}, fmt::format("`{}` matched nothing in the output", regex_)};
}

Reading read_by_regex(const std::string& regex, std::string_view text) {
  LastMatch last{regex};
  while (!text.empty()) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    const auto before = text.rfind('\n');
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    if (!last.feed(text.substr(begin))) break;
    text = text.substr(0, begin);
  }
  return last.reading();
}

Reading read_by_pointer(const std::string& pointer, std::string_view content,
                        std::string_view place) {
  const auto parsed = core::parse_json(content, place);
  if (!parsed) return {{}, parsed.error().message};
  try {
    const nlohmann::json::json_pointer path{pointer};
    if (!parsed->contains(path)) return {{}, fmt::format("{}: nothing at {}", place, pointer)};
    const auto& found = parsed->at(path);
    const auto value = found.is_number() ? std::optional{found.get<double>()} : std::nullopt;
    if (!value || !std::isfinite(*value))
      return {{}, fmt::format("{}: no number at {}", place, pointer)};
    return {value, {}};
  } catch (const nlohmann::json::exception&) {
    return {{}, fmt::format("`{}` is no JSON pointer", pointer)};
  }
}

std::string units_problem(std::optional<double> units) {
  if (!units || !std::isfinite(*units)) return "is not a finite number";
  if (*units <= 0) return fmt::format("= {}: units must be positive", *units);
  if (*units > units_max)
    return fmt::format("= {}: more than {} cannot be counted exactly", *units, units_max);
  return {};
}

Reading as_units(Reading reading) {
  if (!reading.value) return reading;
  auto problem = units_problem(reading.value);
  if (problem.empty()) return reading;
  return {{}, "units " + problem};
}

}  // namespace amdahl::diagnosis
