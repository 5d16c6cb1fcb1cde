#pragma once

#include <memory>
#include <optional>
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

/// Looks for the last match of a pattern, given lines from the last to the first. Its first group
/// is the number. A line is cut at limits::event_line_bytes; a pattern that is broken, or would
/// take too long on some line, is a problem.
class LastMatch {
 public:
  explicit LastMatch(std::string regex);
  ~LastMatch();
  LastMatch(LastMatch&&) noexcept;

  /// One line without its end. False: nothing more is needed.
  bool feed(std::string_view line);

  Reading reading() const;

 private:
  struct Pattern;
  std::string regex_;
  std::unique_ptr<Pattern> pattern_;
  std::optional<Reading> found_;
};

/// The last match in `text`.
Reading read_by_regex(const std::string& regex, std::string_view text);

/// The number at a JSON pointer in a file's content; `place` names the file in problems.
Reading read_by_pointer(const std::string& pointer, std::string_view content,
                        std::string_view place);

/// What is wrong with a count of units, to follow "n …"; empty when it is finite and positive.
std::string units_problem(std::optional<double> units);

/// The reading, or its problem when it cannot be a count of units.
Reading as_units(Reading reading);

}  // namespace amdahl::diagnosis
