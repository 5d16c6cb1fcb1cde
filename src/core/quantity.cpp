#include "amdahl/core/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace amdahl::core {
namespace {

struct Unit {
  std::string_view suffix;
  double factor;
};

// A number directly followed by one of `units`, within 2^53 so that doubles stay exact.
template <std::size_t N>
std::optional<std::int64_t> parse_scaled(std::string_view text, const std::array<Unit, N>& units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (problem != std::errc{} || !(number >= 0)) return std::nullopt;
  const std::string_view suffix{rest, static_cast<std::size_t>(end - rest)};
  for (const auto& unit : units) {
    if (unit.suffix != suffix) continue;
    const double scaled = std::round(number * unit.factor);
    if (scaled > 9007199254740992.0) return std::nullopt;
    return static_cast<std::int64_t>(scaled);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_whole(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || rest != end || value < 0 || text.front() == '-')
    return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  constexpr double kib = 1024;
  return parse_scaled(text, std::to_array<Unit>({{"", 1},
                                                 {"B", 1},
                                                 {"KiB", kib},
                                                 {"MiB", kib * kib},
                                                 {"GiB", kib * kib * kib},
                                                 {"TiB", kib * kib * kib * kib},
                                                 {"kB", 1e3},
                                                 {"MB", 1e6},
                                                 {"GB", 1e9},
                                                 {"TB", 1e12}}));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse_scaled(
      text, std::to_array<Unit>({{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 36e5}, {"d", 864e5}}));
  if (!value || *value == 0) return std::nullopt;
  return std::chrono::milliseconds{*value};
}

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> suffixes{"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t step = 0;
  while (std::abs(value) >= 1024 && step + 1 < suffixes.size()) {
    value /= 1024;
    ++step;
  }
  return step == 0 || value == std::floor(value) ? fmt::format("{:.0f} {}", value, suffixes[step])
                                                 : fmt::format("{:.1f} {}", value, suffixes[step]);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{}m {:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h {:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d {:02}h", seconds / 86'400, seconds / 3600 % 24);
}

}  // namespace amdahl::core
