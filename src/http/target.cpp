#include "target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace amdahl::http {
namespace {

using core::invalid_input;

constexpr std::size_t target_bytes_max = 4096;
constexpr std::size_t parameters_max = 32;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

core::Result<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  if (path == "/") return segments;
  std::string_view rest = path.substr(1);
  for (;;) {
    const auto slash = rest.find('/');
    auto segment = decoded(rest.substr(0, slash), false);
    if (!segment || has_control(*segment) || segment->find('/') != std::string::npos)
      return invalid_input("the path holds something that is no text");
    if (segment->empty() || *segment == "." || *segment == "..")
      return invalid_input("the path has an empty or a dot segment");
    segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) return segments;
    rest.remove_prefix(slash + 1);
  }
}

core::Result<Fields> query_of(std::string_view text) {
  Fields query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decoded(pair.substr(0, equals), true);
    auto value =
        decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value || has_control(*name) || value->find('\0') != std::string::npos)
      return invalid_input("the query holds something that is no text");
    if (std::any_of(query.begin(), query.end(),
                    [&](const auto& field) { return field.first == *name; }))
      return invalid_input(fmt::format("the query names {} twice", *name));
    query.emplace_back(std::move(*name), std::move(*value));
    if (query.size() > parameters_max) return invalid_input("the query has too many parameters");
  }
  return query;
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2
                     : lead >= 0xF0 && lead < 0xF5 ? 3 : -1;
    if (more < 0 || i + static_cast<std::size_t>(more) >= text.size() + (more == 0 ? 1 : 0))
      return false;
    for (int k = 1; k <= more; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((byte & 0xC0U) != 0x80U) return false;
      // Neither overlong, nor a surrogate, nor beyond U+10FFFF.
      if (k == 1 && ((lead == 0xE0 && byte < 0xA0) || (lead == 0xED && byte > 0x9F) ||
                     (lead == 0xF0 && byte < 0x90) || (lead == 0xF4 && byte > 0x8F)))
        return false;
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

core::Result<Target> parse_target(std::string_view target) {
  if (target.size() > target_bytes_max) return invalid_input("the target is too long");
  if (target.empty() || target.front() != '/')
    return invalid_input("the target is no path: it begins with /");
  const auto question = target.find('?');
  Target parsed;
  parsed.path = std::string{target.substr(0, question)};
  if (parsed.path.find('#') != std::string::npos) return invalid_input("the target has a fragment");
  auto segments = segments_of(parsed.path);
  if (!segments) return segments.error();
  parsed.segments = std::move(*segments);
  if (question != std::string_view::npos) {
    auto query = query_of(target.substr(question + 1));
    if (!query) return query.error();
    parsed.query = std::move(*query);
  }
  return parsed;
}

}  // namespace amdahl::http
