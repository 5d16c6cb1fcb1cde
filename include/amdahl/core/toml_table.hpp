#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/toml.hpp"

namespace amdahl::core {

/// Bounds of a number, both allowed.
template <class T>
struct Range {
  T lowest = std::numeric_limits<T>::lowest();
  T highest = std::numeric_limits<T>::max();
};

/// Reads one table of a document key by key; what is wrong goes to `problems` with its position,
/// and the answer is then empty. What was never asked for is unknown (`finish`).
class TomlTable {
 public:
  TomlTable(const TomlDocument& document, std::string pointer, Problems& problems);

  bool has(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, Range<std::int64_t> range);
  std::optional<double> number(std::string_view key, Range<double> range);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> bytes(std::string_view key);
  std::optional<std::chrono::milliseconds> duration(std::string_view key);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  /// A text, number or boolean, as text.
  std::optional<std::string> scalar(std::string_view key);
  std::optional<std::vector<std::string>> scalars(std::string_view key);
  std::optional<std::string> one_of(std::string_view key, const std::vector<std::string>& words);

  /// The table under `key`; an empty one when it is absent or no table (which is a problem).
  TomlTable table(std::string_view key);
  /// As `table`, where the text `word` may stand instead of one (then, and when absent, empty).
  std::optional<TomlTable> table_or_text(std::string_view key, std::string_view word);
  /// The names of everything in this table, in the order of the text.
  std::vector<std::string> keys() const;

  /// Reports an absent key; true when it is there.
  bool require(std::string_view key, std::string hint);
  /// Reports a wrong value of `key` (of the whole table when it is absent).
  void problem(std::string_view key, std::string what, std::string hint = {});
  /// Reports a wrong element of the list under `key`.
  void problem_at(std::string_view key, std::size_t index, std::string what, std::string hint = {});
  /// Reports keys that nobody asked for.
  void finish();

  /// `job.resources`, for messages.
  std::string name() const;
  std::string path(std::string_view key) const;

 private:
  const nlohmann::json* value(std::string_view key);
  std::optional<std::string> scalar_text(const nlohmann::json& value) const;
  TextPosition key_position(std::string_view key) const;
  TextPosition position(std::string_view key) const;

  const TomlDocument* document_;
  std::string pointer_;
  const nlohmann::json* table_;  ///< null when absent
  Problems* problems_;
  std::vector<std::string> asked_;
};

}  // namespace amdahl::core
