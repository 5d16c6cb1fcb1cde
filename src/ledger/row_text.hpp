#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace amdahl::ledger {

/// The members of one JSON object as they stand in its text: a row is digested as text, so nothing
/// is rebuilt from values. Views into the text that it was made of.
class RowText {
 public:
  /// Empty when `text` is no object of complete values.
  static std::optional<RowText> parse(std::string_view text);

  /// A member's bytes; empty when there is none.
  std::string_view raw(std::string_view name) const;
  /// A member that is a string.
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  const std::vector<std::pair<std::string_view, std::string_view>>& members() const {
    return members_;
  }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> members_;
};

/// The value of a JSON string with its quotes; empty when it is none.
std::optional<std::string> unquoted(std::string_view json);
/// Appends `text` as a JSON string, as PostgreSQL writes it.
void append_quoted(std::string& out, std::string_view text);

}  // namespace amdahl::ledger
