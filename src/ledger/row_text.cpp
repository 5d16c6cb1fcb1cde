#include "row_text.hpp"

#include <charconv>

namespace amdahl::ledger {
namespace {

constexpr std::size_t columns_usual = 32;

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void skip_blanks(std::string_view text, std::size_t& at) {
  while (at < text.size() && is_blank(text[at])) ++at;
}

// Past the string that begins at `at`; false when it does not end.
bool skip_string(std::string_view text, std::size_t& at) {
  // By hand: find_first_of calls memchr for each byte, and every row of history passes here.
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return ++at, true;
    if (text[at] == '\\') ++at;
  }
  return false;
}

constexpr bool ends_word(char c) { return c == ',' || c == '}' || c == ']' || is_blank(c); }

// Past one value: brackets are only counted, since what is inside stays text.
bool skip_value(std::string_view text, std::size_t& at) {
  const auto begin = at;
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      if (!skip_string(text, at)) return false;
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at > begin;
      --depth;
      ++at;
    } else if (depth > 0) {
      ++at;
      continue;
    } else {
      while (at < text.size() && !ends_word(text[at])) ++at;
    }
    if (depth == 0) return at > begin;
  }
  return false;
}

std::optional<unsigned> hex4(std::string_view text) {
  unsigned value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 4 || done.ec != std::errc{} || done.ptr != text.data() + 4) return {};
  return value;
}

void append_utf8(std::string& out, unsigned code) {
  const auto byte = [&](unsigned value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) return byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F));
  if (code < 0x10000) {
    byte(0xE0 | code >> 12);
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | ((code >> 12) & 0x3F));
  }
  byte(0x80 | ((code >> 6) & 0x3F));
  byte(0x80 | (code & 0x3F));
}

// The escape after a backslash at `at`; leaves `at` on its last character.
bool append_escape(std::string& out, std::string_view text, std::size_t& at) {
  constexpr std::string_view letters{"\"\\/bfnrt"};
  constexpr std::string_view values{"\"\\/\b\f\n\r\t"};
  if (at >= text.size()) return false;
  if (const auto letter = letters.find(text[at]); letter != std::string_view::npos) {
    out += values[letter];
    return true;
  }
  if (text[at] != 'u') return false;
  auto code = hex4(text.substr(at + 1, 4));
  if (!code) return false;
  at += 4;
  if (*code >= 0xD800 && *code < 0xDC00 && text.substr(at + 1, 2) == "\\u") {
    const auto low = hex4(text.substr(at + 3, 4));
    if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
    code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    at += 6;
  }
  append_utf8(out, *code);
  return true;
}

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || done.ec != std::errc{} || done.ptr != text.data() + text.size()) return {};
  return value;
}

}  // namespace

std::optional<RowText> RowText::parse(std::string_view text) {
  RowText row;
  row.members_.reserve(columns_usual);
  std::size_t at = 0;
  if (text.empty() || text[at] != '{') return {};
  ++at;
  for (bool first = true;; first = false) {
    skip_blanks(text, at);
    if (at >= text.size()) return {};
    if (text[at] == '}') break;
    if (!first) {
      if (text[at++] != ',') return {};
      skip_blanks(text, at);
    }
    const auto name = at;
    if (at >= text.size() || text[at] != '"' || !skip_string(text, at)) return {};
    const auto name_end = at;
    skip_blanks(text, at);
    if (at >= text.size() || text[at++] != ':') return {};
    skip_blanks(text, at);
    const auto value = at;
    if (!skip_value(text, at)) return {};
    row.members_.emplace_back(text.substr(name + 1, name_end - name - 2),
                              text.substr(value, at - value));
  }
  if (at + 1 != text.size()) return {};
  return row;
}

std::string_view RowText::raw(std::string_view name) const {
  for (const auto& [member, value] : members_) {
    if (member == name) return value;
  }
  return {};
}

std::optional<std::string> RowText::text(std::string_view name) const {
  return unquoted(raw(name));
}

std::optional<std::int64_t> RowText::integer(std::string_view name) const {
  return number_in<std::int64_t>(raw(name));
}

std::optional<double> RowText::number(std::string_view name) const {
  return number_in<double>(raw(name));
}

std::optional<std::string> unquoted(std::string_view json) {
  if (json.size() < 2 || json.front() != '"' || json.back() != '"') return {};
  json = json.substr(1, json.size() - 2);
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size(); ++at) {
    auto stop = at;
    while (stop < json.size() && json[stop] != '"' && json[stop] != '\\') ++stop;
    out.append(json.substr(at, stop - at));
    if (stop == json.size()) break;
    at = stop + 1;
    if (json[stop] == '"' || !append_escape(out, json, at)) return {};
  }
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr auto digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += digits[static_cast<unsigned char>(c) >> 4];
          out += digits[c & 0xF];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace amdahl::ledger
