#include "entity_tags.hpp"

#include <algorithm>

namespace amdahl::http {
namespace {

// Of `"..."`; no character is escaped in it, and a comma is one like others.
bool is_tag_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != '"' && byte != 0x7F;
}

// Takes blanks and the commas of empty members, which a list may have.
void skip_separators(std::string_view& rest, bool& comma) {
  comma = false;
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t' || rest.front() == ',')) {
    comma = comma || rest.front() == ',';
    rest.remove_prefix(1);
  }
}

// Takes one tag from the front, its quotes with it; empty where there is none.
std::string_view take_tag(std::string_view& rest) {
  if (!rest.starts_with('"')) return {};
  const auto* end = std::find_if_not(rest.begin() + 1, rest.end(), is_tag_character);
  if (end == rest.end() || *end != '"') return {};
  const auto tag = rest.substr(0, static_cast<std::size_t>(end - rest.begin()) + 1);
  rest.remove_prefix(tag.size());
  return tag;
}

}  // namespace

bool if_match_holds(std::string_view value, std::string_view current) {
  bool comma = false, found = false;
  auto rest = value;
  if (rest == "*") return true;
  skip_separators(rest, comma);
  while (!rest.empty()) {
    const bool weak = rest.starts_with("W/");
    if (weak) rest.remove_prefix(2);
    const auto tag = take_tag(rest);
    if (tag.empty()) return false;
    found = found || (!weak && tag == current);
    skip_separators(rest, comma);
    if (!rest.empty() && !comma) return false;
  }
  return found;
}

}  // namespace amdahl::http
