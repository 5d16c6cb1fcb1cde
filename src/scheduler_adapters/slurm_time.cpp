#include "slurm_time.hpp"

#include <chrono>

#include "amdahl/core/quantity.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

std::optional<int> part(std::string_view text, std::size_t at, std::size_t length) {
  const auto whole = core::parse_whole(text.substr(at, length));
  return whole ? std::optional{static_cast<int>(*whole)} : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> seconds_of(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() != shape.size() || text[4] != '-') {
    const auto whole = core::parse_whole(text);
    return whole && *whole > 0 && *whole < time_max ? whole : std::nullopt;
  }
  if (text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return std::nullopt;
  const auto year = part(text, 0, 4), month = part(text, 5, 2), day = part(text, 8, 2);
  const auto hour = part(text, 11, 2), minute = part(text, 14, 2), second = part(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::sys_seconds at = std::chrono::sys_days{date} + std::chrono::hours{*hour} +
                                      std::chrono::minutes{*minute} + std::chrono::seconds{*second};
  const auto seconds = at.time_since_epoch().count();
  return seconds > 0 && seconds < time_max ? std::optional{seconds} : std::nullopt;
}

}  // namespace amdahl::scheduler_adapters::slurm
