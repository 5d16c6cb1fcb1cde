#include "amdahl/core/toml_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "amdahl/core/quantity.hpp"
#include "amdahl/core/spelling.hpp"

namespace amdahl::core {

using nlohmann::json;

TomlTable::TomlTable(const TomlDocument& document, std::string pointer, Problems& problems)
    : document_{&document}, pointer_{std::move(pointer)}, table_{nullptr}, problems_{&problems} {
  const json::json_pointer at{pointer_};
  if (document.root.contains(at) && document.root[at].is_object()) table_ = &document.root[at];
}

const json* TomlTable::value(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  if (table_ == nullptr) return nullptr;
  const auto found = table_->find(std::string{key});
  return found == table_->end() ? nullptr : &*found;
}

bool TomlTable::has(std::string_view key) { return value(key) != nullptr; }

std::optional<std::string> TomlTable::text(std::string_view key) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) {
    problem(key, path(key) + " must be text", "put it in quotes");
    return std::nullopt;
  }
  auto words = found->get<std::string>();
  if (words.find('\0') != std::string::npos) {
    problem(key, path(key) + " contains a NUL byte");
    return std::nullopt;
  }
  return words;
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key, Range<std::int64_t> range) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number_integer()) {
    problem(key, path(key) + " must be a whole number");
    return std::nullopt;
  }
  const auto number = found->get<std::int64_t>();
  if (number < range.lowest || number > range.highest) {
    problem(key, fmt::format("{} = {} is out of range", path(key), number),
            fmt::format("allowed: {} to {}", range.lowest, range.highest));
    return std::nullopt;
  }
  return number;
}

std::optional<double> TomlTable::number(std::string_view key, Range<double> range) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number()) {
    problem(key, path(key) + " must be a number");
    return std::nullopt;
  }
  const auto number = found->get<double>();
  if (!std::isfinite(number) || number < range.lowest || number > range.highest) {
    problem(key, fmt::format("{} = {} is out of range", path(key), number),
            fmt::format("allowed: {} to {}", range.lowest, range.highest));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> TomlTable::boolean(std::string_view key) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_boolean()) {
    problem(key, path(key) + " must be true or false");
    return std::nullopt;
  }
  return found->get<bool>();
}

std::optional<std::int64_t> TomlTable::bytes(std::string_view key) {
  const auto words = text(key);
  if (!words) return std::nullopt;
  auto parsed = parse_bytes(*words);
  if (!parsed) {
    problem(key, fmt::format("{} = \"{}\" is not a size", path(key), *words),
            "write a number and a unit: \"512MiB\", \"2GiB\"");
  }
  return parsed;
}

std::optional<std::chrono::milliseconds> TomlTable::duration(std::string_view key) {
  const auto words = text(key);
  if (!words) return std::nullopt;
  auto parsed = parse_duration(*words);
  if (!parsed) {
    problem(key, fmt::format("{} = \"{}\" is not a duration", path(key), *words),
            "write a number and a unit: \"90s\", \"2m\", \"12h\"");
  }
  return parsed;
}

std::optional<std::vector<std::string>> TomlTable::texts(std::string_view key) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  std::vector<std::string> list;
  bool good = found->is_array();
  if (!good) problem(key, path(key) + " must be a list of texts", "write [\"one\", \"two\"]");
  for (std::size_t i = 0; good && i < found->size(); ++i) {
    const auto& element = (*found)[i];
    if (!element.is_string() ||
        element.get_ref<const std::string&>().find('\0') != std::string::npos) {
      problem_at(key, i, fmt::format("{} must hold texts without NUL bytes", path(key)),
                 "put it in quotes");
      return std::nullopt;
    }
    list.push_back(element.get<std::string>());
  }
  if (!good) return std::nullopt;
  return list;
}

std::optional<std::string> TomlTable::scalar_text(const json& value) const {
  if (value.is_boolean() || value.is_number_integer()) return value.dump();
  if (value.is_number_float() && std::isfinite(value.get<double>())) return value.dump();
  if (!value.is_string()) return std::nullopt;
  auto words = value.get<std::string>();
  if (words.find('\0') != std::string::npos) return std::nullopt;
  return words;
}

std::optional<std::string> TomlTable::scalar(std::string_view key) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  auto words = scalar_text(*found);
  if (!words) problem(key, path(key) + " must be a text, a finite number, true or false");
  return words;
}

std::optional<std::vector<std::string>> TomlTable::scalars(std::string_view key) {
  const auto* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_array()) {
    problem(key, path(key) + " must be a list", "write [1, 2, 4]");
    return std::nullopt;
  }
  std::vector<std::string> list;
  for (std::size_t i = 0; i < found->size(); ++i) {
    auto words = scalar_text((*found)[i]);
    if (!words) {
      problem_at(key, i, path(key) + " must hold texts, finite numbers, true or false");
      return std::nullopt;
    }
    list.push_back(std::move(*words));
  }
  return list;
}

std::optional<std::string> TomlTable::one_of(std::string_view key,
                                             const std::vector<std::string>& words) {
  const auto word = text(key);
  if (!word) return std::nullopt;
  if (std::find(words.begin(), words.end(), *word) == words.end()) {
    problem(key, fmt::format("{} = \"{}\" is not known", path(key), *word), suggest(*word, words));
    return std::nullopt;
  }
  return word;
}

TomlTable TomlTable::table(std::string_view key) {
  const auto* found = value(key);
  if (found != nullptr && !found->is_object()) {
    problem(key, path(key) + " must be a table", fmt::format("write [{}]", path(key)));
  }
  return {*document_, child_pointer(pointer_, key), *problems_};
}

std::optional<TomlTable> TomlTable::table_or_text(std::string_view key, std::string_view word) {
  const auto* found = value(key);
  if (found == nullptr || (found->is_string() && found->get_ref<const std::string&>() == word)) {
    return std::nullopt;
  }
  if (!found->is_object()) {
    problem(key, fmt::format("{} must be \"{}\" or a table", path(key), word));
    return std::nullopt;
  }
  return table(key);
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> names;
  if (table_ == nullptr) return names;
  for (const auto& entry : table_->items()) names.push_back(entry.key());
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return key_position(a) < key_position(b);
  });
  return names;
}

bool TomlTable::require(std::string_view key, std::string hint) {
  if (has(key)) return true;
  problem(key, path(key) + " is missing", std::move(hint));
  return false;
}

void TomlTable::problem(std::string_view key, std::string what, std::string hint) {
  problems_->add(position(key), std::move(what), std::move(hint));
}

void TomlTable::problem_at(std::string_view key, std::size_t index, std::string what,
                           std::string hint) {
  const auto pointer = child_pointer(pointer_, key) + "/" + std::to_string(index);
  const auto found = document_->places.find(pointer);
  const auto at = found == document_->places.end() ? position(key) : found->second.value;
  problems_->add(at, std::move(what), std::move(hint));
}

void TomlTable::finish() {
  for (const auto& key : keys()) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    problems_->add(key_position(key), "unknown key " + path(key), suggest(key, asked_));
  }
}

TextPosition TomlTable::key_position(std::string_view key) const {
  return document_->places.at(child_pointer(pointer_, key)).key;
}

TextPosition TomlTable::position(std::string_view key) const {
  const auto found = document_->places.find(child_pointer(pointer_, key));
  if (found != document_->places.end()) return found->second.value;
  const auto table = document_->places.find(pointer_);
  return table == document_->places.end() ? TextPosition{} : table->second.value;
}

std::string TomlTable::name() const {
  std::string dotted = pointer_.empty() ? "" : pointer_.substr(1);
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  return dotted;
}

std::string TomlTable::path(std::string_view key) const {
  const auto table = name();
  return table.empty() ? std::string{key} : table + "." + std::string{key};
}

}  // namespace amdahl::core
