#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace amdahl::scheduler_adapters::slurm {

/// Later is no time: the expected end of a job without a limit is 6090762392.
inline constexpr std::int64_t time_max = std::int64_t{1} << 32;

/// Unix seconds from what Slurm prints: `1795795033`, or `2026-11-27T15:57:13`, which is local time
/// and read as if it were UTC: differences are right but for the hour at a change of clocks. None
/// for `Unknown`, `None` and anything else.
std::optional<std::int64_t> seconds_of(std::string_view text);

}  // namespace amdahl::scheduler_adapters::slurm
