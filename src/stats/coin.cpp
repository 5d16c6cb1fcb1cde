#include "amdahl/stats/coin.hpp"

#include <fmt/format.h>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/sha256.hpp"

namespace amdahl::stats {

bool variant_first(const CoinSource& source, std::int64_t pair_index) {
  core::invariant(pair_index >= 1, "pairs of an experiment count from 1");
  const auto digest = core::sha256(fmt::format("{}:{}:{}", source.id, source.salt, pair_index));
  return (digest[0] & 1U) != 0;
}

}  // namespace amdahl::stats
