#pragma once

#include <cstdint>
#include <string_view>

namespace amdahl::stats {

/// The committed sequence of coins of one experiment.
struct CoinSource {
  std::string_view id;    ///< "exp-42"
  std::string_view salt;  ///< secret until the verdict
};

/// Whether the variant runs first in the pair with this index (from 1): lowest bit of byte 0 of
/// SHA-256("id:salt:index").
bool variant_first(const CoinSource& source, std::int64_t pair_index);

}  // namespace amdahl::stats
