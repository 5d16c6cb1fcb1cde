#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Reads one number of a leg from what the job wrote without knowing of us.
namespace amdahl::diagnosis {

/// A number, or why there is none.
struct Reading {
  std::optional<double> value;
  std::string problem;

  friend bool operator==(const Reading&, const Reading&) = default;
};

/// The first group of the last match in the first of `outputs` that has one. Lines longer than
/// limits::event_line_bytes are cut there; a pattern that would take too long is a problem.
Reading read_by_regex(const std::string& regex, std::span<const std::string_view> outputs);

/// The number at a JSON pointer in a file's content; `place` names the file in problems.
Reading read_by_pointer(const std::string& pointer, std::string_view content,
                        std::string_view place);

/// What is wrong with a count of units, to follow "n …"; empty when it is finite and positive.
std::string units_problem(std::optional<double> units);

/// The reading, or its problem when it cannot be a count of units.
Reading as_units(Reading reading);

}  // namespace amdahl::diagnosis
