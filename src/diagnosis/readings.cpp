#include "amdahl/diagnosis/readings.hpp"

#include <fmt/format.h>

#include <boost/regex.hpp>
#include <charconv>
#include <cmath>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"

#include <nlohmann/json.hpp>

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

// The last line of `text`, which it shortens.
std::string_view take_last_line(std::string_view& text) {
  const auto before = text.rfind('\n', text.size() - 1);
  const auto line = before == std::string_view::npos ? text : text.substr(before + 1);
  text = text.substr(0, before == std::string_view::npos ? 0 : before);
  return line.substr(0, core::limits::event_line_bytes);
}

std::optional<std::string> last_group_in(const boost::regex& pattern, std::string_view line) {
  std::optional<std::string> last;
  boost::cregex_iterator match{line.data(), line.data() + line.size(), pattern};
  for (const boost::cregex_iterator none; match != none; ++match) {
    last = (*match)[match->size() > 1 ? 1 : 0].str();
  }
  return last;
}

}  // namespace

Reading read_by_regex(const std::string& regex, std::span<const std::string_view> outputs) {
  try {
    // Boost's matcher gives up on patterns that would backtrack for ever; std::regex does not.
    const boost::regex pattern{regex, boost::regex::ECMAScript};
    for (auto text : outputs) {
      while (!text.empty()) {
        const auto group = last_group_in(pattern, take_last_line(text));
        if (!group) continue;
        if (const auto value = to_number(*group)) return {value, {}};
        return {{}, fmt::format("`{}` matched \"{}\", which is no number", regex, group->substr(0, 80))};
      }
    }
    return {{}, fmt::format("`{}` matched nothing in the output", regex)};
  } catch (const std::exception& error) {  // a bad pattern, or one too complex for some line
    return {{}, fmt::format("`{}` cannot be matched: {}", regex, error.what())};
  }
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
    if (!value || !std::isfinite(*value)) return {{}, fmt::format("{}: no number at {}", place, pointer)};
    return {value, {}};
  } catch (const nlohmann::json::exception&) {
    return {{}, fmt::format("`{}` is no JSON pointer", pointer)};
  }
}

std::string units_problem(std::optional<double> units) {
  if (!units || !std::isfinite(*units)) return "is not a finite number";
  if (*units <= 0) return fmt::format("= {}: units must be positive", *units);
  if (*units > units_max) return fmt::format("= {}: more than {} cannot be counted exactly", *units, units_max);
  return {};
}

Reading as_units(Reading reading) {
  if (!reading.value) return reading;
  auto problem = units_problem(reading.value);
  if (problem.empty()) return reading;
  return {{}, "units " + problem};
}

}  // namespace amdahl::diagnosis
