#include "connection_role.hpp"

#include <algorithm>

namespace amdahl::cli {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    plain +=
        escape ? static_cast<char>(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return plain;
}

std::string role_of_uri(std::string_view rest) {
  const auto authority = rest.substr(0, std::min(rest.find_first_of("/?"), rest.size()));
  const auto at = authority.rfind('@');
  if (at != std::string_view::npos && at > 0) {
    const auto user = authority.substr(0, at);
    return percent_decoded(user.substr(0, std::min(user.find(':'), user.size())));
  }
  const auto query = rest.find('?');
  if (query == std::string_view::npos) return {};
  for (auto part = rest.substr(query + 1); !part.empty();) {
    const auto end = std::min(part.find('&'), part.size());
    if (part.starts_with("user=")) return percent_decoded(part.substr(5, end - 5));
    part.remove_prefix(std::min(end + 1, part.size()));
  }
  return {};
}

// One value after `=`: quoted with \ as escape, or up to the next blank.
std::string take_value(std::string_view text, std::size_t& at) {
  std::string value;
  const bool quoted = at < text.size() && text[at] == '\'';
  if (quoted) ++at;
  while (at < text.size()) {
    const char c = text[at];
    if (quoted ? c == '\'' : (c == ' ' || c == '\t')) break;
    if (c == '\\' && at + 1 < text.size()) ++at;
    value += text[at++];
  }
  if (quoted && at < text.size()) ++at;
  return value;
}

}  // namespace

std::string role_of_url(std::string_view url) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
    if (url.starts_with(scheme)) return role_of_uri(url.substr(scheme.size()));
  }
  std::string role;
  for (std::size_t at = 0; at < url.size();) {
    at = url.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) break;
    const auto equals = url.find('=', at);
    if (equals == std::string_view::npos) break;
    auto key = url.substr(at, equals - at);
    key = key.substr(0, key.find_last_not_of(" \t") + 1);
    at = std::min(url.find_first_not_of(" \t", equals + 1), url.size());
    const auto value = take_value(url, at);
    if (key == "user") role = value;
  }
  return role;
}

}  // namespace amdahl::cli
