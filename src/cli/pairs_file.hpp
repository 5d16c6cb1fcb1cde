#pragma once

#include <string_view>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/stats/estimate.hpp"

namespace amdahl::cli {

inline constexpr std::size_t pairs_file_bytes_max = 16 << 20;  // judged in memory, in seconds
inline constexpr std::size_t pairs_max = 100'000;              // bisection reads all of them often

/// Costs of pairs, as CSV (`baseline,variant` a line, a header and # comments if you like) or as
/// JSON
/// `{"pairs":[{"baseline":…,"variant":…}]}`. Errors name line and column, or the JSON pointer.
core::Result<std::vector<stats::PairCost>> parse_pairs(std::string_view text,
                                                       std::string_view place);

}  // namespace amdahl::cli
