#include "amdahl/core/toml.hpp"

#include <algorithm>

#include "toml_plus_plus.hpp"

namespace amdahl::core {

namespace {

TextPosition position(const toml::source_position& at) { return {at.line, at.column}; }

// Carries the tree over; the nesting is bounded by toml++ (256 levels).
class Conversion {
 public:
  explicit Conversion(Problems& problems) : problems_{problems} {}

  nlohmann::json convert(const toml::node& node, const std::string& pointer) {
    if (const auto* table = node.as_table()) return convert_table(*table, pointer);
    if (const auto* array = node.as_array()) return convert_array(*array, pointer);
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* real = node.as_floating_point()) return real->get();
    if (const auto* flag = node.as_boolean()) return flag->get();
    problems_.add(position(node.source().begin), "dates and times are not used here",
                  "write it as text, in quotes");
    return nullptr;
  }

  std::map<std::string, TomlDocument::Place> places;

 private:
  nlohmann::json convert_table(const toml::table& table, const std::string& pointer) {
    auto object = nlohmann::json::object();
    for (const auto& [key, node] : table) {
      const auto below = child_pointer(pointer, key.str());
      places[below] = {position(key.source().begin), position(node.source().begin)};
      object[std::string{key.str()}] = convert(node, below);
    }
    return object;
  }

  nlohmann::json convert_array(const toml::array& array, const std::string& pointer) {
    auto list = nlohmann::json::array();
    for (const auto& node : array) {
      const auto below = pointer + "/" + std::to_string(list.size());
      const auto at = position(node.source().begin);
      places[below] = {at, at};
      list.push_back(convert(node, below));
    }
    return list;
  }

  Problems& problems_;
};

}  // namespace

std::string child_pointer(std::string_view pointer, std::string_view key) {
  std::string path{pointer};
  path += '/';
  for (const char c : key) {
    if (c == '~') {
      path += "~0";
    } else if (c == '/') {
      path += "~1";
    } else {
      path += c;
    }
  }
  return path;
}

Result<TomlDocument> parse_toml(std::string_view text, std::string_view place) {
  Problems problems{std::string{place}};
  const auto parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    problems.add(position(error.source().begin), std::string{error.description()});
    return problems.error(ErrorCode::invalid_input);
  }
  TomlDocument document;
  Conversion conversion{problems};
  document.root = conversion.convert(parsed.table(), "");
  document.places = std::move(conversion.places);
  if (!problems.empty()) return problems.error(ErrorCode::invalid_input);
  return document;
}

void Problems::add(TextPosition at, std::string problem, std::string hint) {
  found_.push_back({at, std::move(problem), std::move(hint)});
}

Error Problems::error(ErrorCode code) const {
  auto sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.at < b.at; });
  Error error{code, {}, {}};
  for (const auto& found : sorted) {
    if (!error.message.empty()) error.message += '\n';
    error.message += place_;
    if (found.at.line > 0) {
      error.message += ":" + std::to_string(found.at.line) + ":" + std::to_string(found.at.column);
    }
    error.message += "  " + found.problem;
    if (found.hint.empty()) continue;
    if (sorted.size() == 1) {
      error.hint = found.hint;
    } else {
      error.message += " (" + found.hint + ")";
    }
  }
  return error;
}

}  // namespace amdahl::core
