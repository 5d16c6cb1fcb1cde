#include "command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace amdahl::cli {

using core::invalid_input;
using core::Result;

std::string Args::text(const std::string& name, std::string fallback) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return fallback;
  return found->second.front();
}

std::vector<std::string> Args::texts(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<std::optional<double>> Args::number(const std::string& name) const {
  if (!has(name)) return std::optional<double>{};
  const auto words = text(name);
  double value = 0;
  const auto* end = words.data() + words.size();
  const auto [rest, problem] = std::from_chars(words.data(), end, value);
  if (problem != std::errc{} || rest != end || !std::isfinite(value)) {
    return invalid_input(fmt::format("--{} \"{}\" is not a number", name, words));
  }
  return std::optional{value};
}

Result<std::optional<std::int64_t>> Args::whole(const std::string& name) const {
  if (!has(name)) return std::optional<std::int64_t>{};
  const auto words = text(name);
  std::int64_t value = 0;
  const auto* end = words.data() + words.size();
  const auto [rest, problem] = std::from_chars(words.data(), end, value);
  if (problem != std::errc{} || rest != end) {
    return invalid_input(fmt::format("--{} \"{}\" is not a whole number", name, words));
  }
  return std::optional{value};
}

Result<std::int64_t> parse_number(const std::string& text, const std::string& prefix) {
  std::string_view digits{text};
  const auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
  if (digits.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), digits.begin(),
                                                  [&](char p, char c) { return same(c, p); })) {
    digits.remove_prefix(prefix.size());
  }
  std::int64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [rest, problem] = std::from_chars(digits.data(), end, value);
  if (problem != std::errc{} || rest != end || value < 1) {
    return invalid_input(fmt::format("\"{}\" is no number of this kind", text),
                         fmt::format("write {}12 or 12", prefix));
  }
  return value;
}

}  // namespace amdahl::cli
