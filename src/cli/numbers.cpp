#include "numbers.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

namespace amdahl::cli {

using nlohmann::json;

std::string percent(double ratio) {
  constexpr double shown_from = 0.0005;  // below, one decimal would print -0.0
  return fmt::format("{:.1f} %", std::abs(ratio) < shown_from ? 0.0 : 100 * ratio);
}

std::string grouped(double value) {
  auto digits = fmt::format("{:.0f}", std::abs(value));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return (value < 0 && digits != "0" ? "-" : "") + digits;
}

std::string evidence_text(double e_value) {
  if (!std::isfinite(e_value)) return "over 1e+308";
  if (e_value >= 1e9) return fmt::format("{:.2g}", e_value);
  if (e_value >= 1000) return grouped(e_value);
  if (e_value >= 10) return fmt::format("{:.1f}", e_value);
  return e_value >= 0.01 ? fmt::format("{:.2f}", e_value) : fmt::format("{:.1g}", e_value);
}

std::string gpu_hours(double hours) {
  const auto size = std::abs(hours);
  if (size >= 1000) return grouped(hours);
  if (size >= 10) return fmt::format("{:.1f}", hours);
  if (size >= 1) return fmt::format("{:.2f}", hours);
  return fmt::format("{:.3g}", hours);
}

std::optional<double> number_of(const json& value) {
  return value.is_number() ? std::optional{value.get<double>()} : std::nullopt;
}

std::string percent(const json& ratio) {
  return ratio.is_number() ? percent(ratio.get<double>()) : "unknown";
}

std::string gpu_hours(const json& hours) {
  return hours.is_number() ? gpu_hours(hours.get<double>()) : "unknown";
}

std::string text_or(const json& value, const std::string& otherwise) {
  if (value.is_string())
    return value.get<std::string>().empty() ? otherwise : value.get<std::string>();
  return value.is_null() ? otherwise : value.dump();
}

std::string time_text(const json& value, const GlobalOptions& options) {
  if (!value.is_string()) return "unknown";
  const auto text = value.get<std::string>();
  std::tm utc{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (end == nullptr) end = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &utc);
  if (end == nullptr) return text;
  const auto seconds = ::timegm(&utc);
  if (options.utc) return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(seconds));
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(seconds));
}

}  // namespace amdahl::cli
