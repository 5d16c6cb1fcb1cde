#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::core {

/// Reads members of one JSON object and remembers the first thing that is wrong, so that a mapping
/// function reads top to bottom and checks once at its end. Unknown members are left alone.
class JsonReader {
 public:
  JsonReader(const nlohmann::json& object, std::string pointer)
      : object_{object}, pointer_{std::move(pointer)} {
    if (!object.is_object()) fail("", "an object");
  }

  std::string text(const char* key, std::string fallback = {}) {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_string()) return fail(key, "a string"), fallback;
    return value->get<std::string>();
  }
  std::int64_t whole(const char* key, std::int64_t fallback = 0) {
    return optional_whole(key).value_or(fallback);
  }
  std::optional<std::int64_t> optional_whole(const char* key) {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_integer()) return fail(key, "a whole number"), std::nullopt;
    constexpr std::uint64_t max = std::numeric_limits<std::int64_t>::max();
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > max)
      return fail(key, "a whole number of at most 63 bits"), std::nullopt;
    return value->get<std::int64_t>();
  }
  std::optional<double> optional_number(const char* key) {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) return fail(key, "a number"), std::nullopt;
    return value->get<double>();
  }
  double number(const char* key, double fallback = 0) {
    return optional_number(key).value_or(fallback);
  }
  bool flag(const char* key, bool fallback = false) {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) return fail(key, "true or false"), fallback;
    return value->get<bool>();
  }
  template <class E>
  E word(const char* key, E fallback) {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    const auto parsed =
        value->is_string() ? parse<E>(value->get_ref<const std::string&>()) : std::optional<E>{};
    if (!parsed) return fail(key, "a known word"), fallback;
    return *parsed;
  }
  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> out;
    const auto* value = find(key);
    if (value == nullptr) return out;
    if (!value->is_array()) return fail(key, "an array of strings"), out;
    for (const auto& element : *value) {
      if (!element.is_string()) return fail(key, "an array of strings"), out;
      out.push_back(element.get<std::string>());
    }
    return out;
  }
  std::map<std::string, std::string> text_map(const char* key) {
    std::map<std::string, std::string> out;
    const auto* value = find(key);
    if (value == nullptr) return out;
    if (!value->is_object()) return fail(key, "an object of strings"), out;
    for (const auto& [name_, element] : value->items()) {
      if (!element.is_string()) return fail(key, "an object of strings"), out;
      out.emplace(name_, element.get<std::string>());
    }
    return out;
  }
  std::map<std::string, double> number_map(const char* key) {
    std::map<std::string, double> out;
    const auto* value = find(key);
    if (value == nullptr) return out;
    if (!value->is_object()) return fail(key, "an object of numbers"), out;
    for (const auto& [name_, element] : value->items()) {
      if (!element.is_number()) return fail(key, "an object of numbers"), out;
      out.emplace(name_, element.get<double>());
    }
    return out;
  }
  /// A nested value through its own mapping function; absent and null leave `into` as it is.
  template <class T, class Map>
  void nested(const char* key, T& into, Map map) {
    const auto* value = find(key);
    if (value == nullptr) return;
    keep(map(*value), into);
  }
  template <class T, class Map>
  void list(const char* key, std::vector<T>& into, Map map) {
    const auto* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return fail(key, "an array");
    for (const auto& element : *value) {
      T item{};
      keep(map(element), item);
      if (error_) return;
      into.push_back(std::move(item));
    }
  }

  void fail(const char* key, const char* expected) {
    if (error_) return;
    error_ = invalid_input(pointer_ + (*key == '\0' ? "" : "/") + key + ": expected " + expected);
  }
  /// Required members: names the missing one.
  void require(const char* key) {
    if (find(key) == nullptr && !error_) error_ = invalid_input(pointer_ + "/" + key + ": missing");
  }
  template <class T>
  Result<T> finish(T value) {
    if (error_) return *error_;
    return value;
  }

 private:
  const nlohmann::json* find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto it = object_.find(key);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }
  template <class T>
  void keep(Result<T> result, T& into) {
    if (result.has_error()) {
      if (!error_) error_ = result.error();
    } else {
      into = std::move(*result);
    }
  }

  const nlohmann::json& object_;
  std::string pointer_;
  std::optional<Error> error_;
};

/// Null for absent values, so that `unknown` survives the trip.
template <class T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

}  // namespace amdahl::core
