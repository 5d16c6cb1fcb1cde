#pragma once

#include <chrono>

#include "amdahl/core/limits.hpp"
#include "pq.hpp"

namespace amdahl::ledger {

/// What the connections of the service's doors allow PostgreSQL.
inline pq::Settings door_settings() {
  constexpr std::chrono::milliseconds statement = core::limits::statement_timeout;
  constexpr std::chrono::milliseconds patience = core::limits::answer_timeout;
  return {static_cast<int>(statement.count()), 2'000,
          static_cast<int>((patience - statement).count())};
}

}  // namespace amdahl::ledger
