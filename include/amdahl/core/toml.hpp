#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::core {

/// A place in a text, both from 1; line 0 = no text, so no place.
struct TextPosition {
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  friend auto operator<=>(const TextPosition&, const TextPosition&) = default;
};

/// TOML as JSON values, and where each stands. Pointers are RFC 6901.
struct TomlDocument {
  struct Place {
    TextPosition key;
    TextPosition value;
  };
  nlohmann::json root = nlohmann::json::object();
  std::map<std::string, Place> places;
};

/// Reads TOML 1.0. Dates, which no file of ours uses, are errors. Errors start `place:line:column`.
Result<TomlDocument> parse_toml(std::string_view text, std::string_view place);

/// `/a/b` → `/a/b/key`, escaped.
std::string child_pointer(std::string_view pointer, std::string_view key);

/// All that is wrong with a text, in the order of the text.
class Problems {
 public:
  explicit Problems(std::string place) : place_{std::move(place)} {}

  void add(TextPosition at, std::string problem, std::string hint = {});
  bool empty() const { return found_.empty(); }
  std::size_t count() const { return found_.size(); }

  /// One line each, `place:line:column  problem`. The hint is apart when there is just one.
  Error error(ErrorCode code) const;

 private:
  struct Problem {
    TextPosition at;
    std::string problem;
    std::string hint;
  };
  std::string place_;
  std::vector<Problem> found_;
};

}  // namespace amdahl::core
